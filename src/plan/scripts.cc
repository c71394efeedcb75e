// What the planner does about scripts on a listener that maps them: the script gets its prelude, or the SHA that it has
// with it, and behind the arguments stands what the prelude must know.
//
//   EVALSHA 6b1b... 1 job:7 x
//   EVALSHA 93c0... 1 work:jobs:id:7 x job:7 keyshift:<fingerprint>:0
#include <string>

#include <fmt/format.h>

#include "keyshift/base/ascii.h"
#include "keyshift/base/sha1.h"
#include "keyshift/plan/reply_mapper.h"
#include "planner_work.h"

namespace keyshift::plan {

using command::Reply;
using command::Script;

// The reply, or its error, may name a script by the SHA that it has upstream.
void Planner::add_sha(Work& work, std::string_view used, std::string_view mapped) {
  if (!work.plan.mapper) work.plan.mapper = std::make_unique<ReplyMapper>(work.row.reply);
  work.plan.mapper->add_name(used, mapped);
}

// What has not the length of a SHA is none to Redis either.
void Planner::replace_sha(Work& work, uint32_t argument) {
  const std::string_view sha = work.request[argument];
  if (sha.size() != Sha1::kHexSize) return;
  const std::string mapped = work.context.shas->find(work.context.prelude->fingerprint(), sha);
  replace(work, argument, mapped);
  add_sha(work, to_lower(sha), mapped);
}

void Planner::write_script(Work& work) {
  const ScriptPrelude& prelude = *work.context.prelude;
  const resp::Request& request = work.request;
  if (work.row.runs_script()) {
    resp::append_array(work.out, request.size() + names_.list.size() + 1);
    work.copied = header_begin(request, 0);
  }
  const auto at = static_cast<uint32_t>(work.row.script_at);
  switch (work.row.script) {
    case Script::kText: {
      const std::string sha = sha1_hex(request[at]);
      std::string mapped = work.context.shas->find(prelude.fingerprint(), sha);
      if (mapped == ScriptShas::kUnknown) {
        mapped = prelude.mapped_sha(request[at]);
        work.context.shas->learn(prelude.fingerprint(), sha, mapped);
      }
      copy_up_to(work, at);
      prelude.append_mapped(ScriptPrelude::Kind::kScript, request[at], work.out);
      add_sha(work, sha, mapped);
      break;
    }
    case Script::kSha:
      replace_sha(work, at);
      break;
    case Script::kShas:
      for (uint32_t each = at; each < request.size(); ++each) replace_sha(work, each);
      break;
    case Script::kLibrary: {
      const auto last = static_cast<uint32_t>(request.size() - 1);
      copy_up_to(work, last);
      prelude.append_mapped(ScriptPrelude::Kind::kLibrary, request[last], work.out);
      break;
    }
    case Script::kFunction:
    case Script::kNone:
      break;
  }
  if (work.row.reply == Reply::kScriptText && !work.plan.mapper)
    work.plan.mapper = std::make_unique<ReplyMapper>(Reply::kScriptText);
}

// Requires: write_arguments() has written the keys.
void Planner::write_script_tail(Work& work) {
  if (!work.row.runs_script()) return;
  for (const command::Name& name : names_.list) resp::append_bulk(work.out, work.request[name.at]);
  resp::append_bulk(work.out, fmt::format("{}{}:{}", kScriptMark, work.context.prelude->fingerprint(),
                                          work.context.database));
}

}  // namespace keyshift::plan
