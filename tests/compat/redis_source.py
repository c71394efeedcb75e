"""Redis's own test suite, taken from Debian's source package and kept outside the repository.

    suite = redis_source.unpack('build/compat')      -> build/compat/redis-7.0.15-1~deb12u10

The package comes from wherever the machine gets its redis-server: the same entries of its apt configuration are read
once more as deb-src, in a private directory, so that the machine's own lists stay as they are and no root is needed.
Nothing is built: the suite wants src/redis-cli and src/redis-benchmark, which become links to the installed ones.
"""

import glob
import os
import re
import shutil
import subprocess

APT_SECONDS = 300
PROGRAMS = ('redis-cli', 'redis-benchmark')


class SourceError(Exception):
    """The source package could not be had; the text says why."""


def run(argv, **options):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=APT_SECONDS, check=False, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(str(error)) from error
    if done.returncode:
        raise SourceError('%s\n%s' % (' '.join(argv), done.stdout))
    return done.stdout


def archives():
    """The base addresses of the archives that offer redis-server, as apt knows them."""
    # redis-server | 5:7.0.15-1~deb12u10 | ADDRESS bookworm-security/main amd64 Packages
    rows = [line.split('|') for line in run(['apt-cache', 'madison', 'redis-server']).splitlines()]
    return {row[2].split()[0].rstrip('/') for row in rows if len(row) == 3}


def deb_src(text, wanted):
    """The entries of an apt source file (either style) that name a wanted archive, as entries for sources."""
    kept = []
    for stanza in re.split(r'\n\s*\n', text):
        lines = [line for line in stanza.splitlines() if not line.lstrip().startswith('#')]
        if any(line.lower().startswith('types:') for line in lines):
            named = {word.rstrip('/') for line in lines for word in line.split()}
            if named & wanted and not any(re.match(r'(?i)enabled:\s*(no|false|0)\b', line) for line in lines):
                kept.append('\n'.join(re.sub(r'(?i)^types:.*', 'Types: deb-src', line) for line in lines) + '\n')
        else:
            kept += [re.sub(r'^\s*deb\s', 'deb-src ', line) for line in lines
                     if re.match(r'\s*deb\s', line) and {word.rstrip('/') for word in line.split()} & wanted]
    return '\n'.join(kept)


def write_sources(directory):
    """Copies the machine's entries for redis-server's archives into `directory`; returns how many files had any."""
    wanted = archives()
    if not wanted:
        raise SourceError('apt knows no redis-server: run apt-get update')
    etc = run(['apt-config', 'shell', 'LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'])
    places = dict(re.findall(r"(LIST|PARTS)='([^']*)'", etc))
    files = [places.get('LIST', '')] + sorted(glob.glob(os.path.join(places.get('PARTS', ''), '*')))
    written = 0
    for path in files:
        if not path.endswith(('.list', '.sources')) or not os.path.isfile(path):
            continue
        with open(path, encoding='utf-8') as file:
            entries = deb_src(file.read(), wanted)
        if entries:
            with open(os.path.join(directory, os.path.basename(path)), 'w', encoding='utf-8') as file:
                file.write(entries)
            written += 1
    if not written:
        raise SourceError('no apt source file names %s' % ' or '.join(sorted(wanted)))


def download(directory):
    """Gets the newest source package `redis` of those archives into `directory`; returns the path of its .dsc."""
    for name in ('sources', 'lists/partial', 'cache/archives/partial'):
        os.makedirs(os.path.join(directory, name))
    write_sources(os.path.join(directory, 'sources'))
    apt = ['apt-get', '-q']
    for option, value in (('Dir::Etc::sourcelist', '/dev/null'),
                          ('Dir::Etc::sourceparts', os.path.join(directory, 'sources')),
                          ('Dir::State::lists', os.path.join(directory, 'lists')),
                          ('Dir::Cache', os.path.join(directory, 'cache')),
                          # The directory is the caller's: apt's own user may not write there.
                          ('APT::Sandbox::User', 'root')):
        apt += ['-o', '%s=%s' % (option, value)]
    run(apt + ['update'], cwd=directory)
    run(apt + ['source', '--only-source', '--download-only', 'redis'], cwd=directory)
    found = glob.glob(os.path.join(directory, '*.dsc'))
    if len(found) != 1:
        raise SourceError('apt-get source redis left %r' % found)
    return found[0]


def unpack(cache):
    """The directory of the unpacked suite in `cache`, which is filled where it is empty."""
    present = glob.glob(os.path.join(cache, 'redis-*', 'ready'))
    if present:
        return os.path.dirname(os.path.abspath(present[0]))
    scratch = os.path.join(os.path.abspath(cache), 'download')
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        description = download(scratch)
        version = re.sub(r'^redis_|\.dsc$', '', os.path.basename(description))
        target = os.path.join(os.path.abspath(cache), 'redis-' + version)
        shutil.rmtree(target, ignore_errors=True)
        run(['dpkg-source', '--no-check', '--no-copy', '-x', description, target], cwd=scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for program in PROGRAMS:
        installed = shutil.which(program)
        if installed is None:
            raise SourceError('%s is not installed' % program)
        os.symlink(installed, os.path.join(target, 'src', program))
    with open(os.path.join(target, 'ready'), 'w', encoding='ascii') as file:
        file.write(version + '\n')
    return target
