#include "keyshift/plan/reply_mapper.h"

#include <algorithm>
#include <utility>

#include "keyshift/base/check.h"
#include "keyshift/plan/script_prelude.h"
#include "keyshift/resp/writer.h"
#include "keyshift/scheme/glob.h"

namespace keyshift::plan {

using resp::ReplyCursor;
using resp::Token;

ReplyMapper::ReplyMapper(command::Reply shape, std::shared_ptr<const scheme::Ruleset> rules,
                         const scheme::View& view, int database, resp::Protocol protocol,
                         std::shared_ptr<const scheme::KeyPattern> pattern, size_t steps)
    : shape_(shape),
      rules_(std::move(rules)),
      view_(view),
      database_(database),
      protocol_(protocol),
      pattern_(std::move(pattern)),
      steps_left_(steps) {}

void ReplyMapper::add_name(std::string_view used, std::string_view physical) {
  names_.push_back({std::string(used), std::string(physical)});
}

bool ReplyMapper::pass(std::string_view piece, Buffer& out) {
  out.append(piece);
  return true;
}

bool ReplyMapper::map(std::string_view reply, Buffer& out) {
  KEYSHIFT_CHECK(steps_left_ > 0, "a reply more than the plan has steps");
  --steps_left_;
  if (reply.starts_with('-') || reply.starts_with('!')) {
    if (error_.empty()) error_ = reply;
  } else if (!fits(reply)) {
    return false;
  }
  if (!error_.empty()) {
    if (steps_left_ == 0) map_error(error_, out);
    return true;
  }
  switch (shape_) {
    case command::Reply::kKeys:
      map_keys(reply, out);
      break;
    case command::Reply::kScan:
      map_scan(reply, out);
      break;
    case command::Reply::kKey:
      map_random_key(reply, out);
      break;
    case command::Reply::kSlowlog:
      map_slowlog(reply, out);
      break;
    case command::Reply::kRunning:
      map_running(reply, out);
      break;
    case command::Reply::kScriptSha:
      append_used(ReplyCursor(reply).next().text, out);
      break;
    case command::Reply::kScriptText:
      map_script_text(reply, out);
      break;
    default:
      out.append(reply);
  }
  return true;
}

// Whether a reply that is no error begins as replies of its shape do.
bool ReplyMapper::fits(std::string_view reply) const {
  ReplyCursor cursor(reply);
  const Token head = cursor.next();
  switch (shape_) {
    case command::Reply::kKeys:
    case command::Reply::kSlowlog:
      return head.type == '*' && !head.is_null;
    case command::Reply::kScan:
      return head.type == '*' && head.count == 2 && cursor.next().is_string() && cursor.peek().type == '*';
    case command::Reply::kKey:
      return head.is_string() || head.is_null;
    case command::Reply::kScriptSha:
      return head.is_string();
    default:
      return true;
  }
}

namespace {

// A name as an error shows it: one line, and where Redis formats it as a C string, cut at the first zero byte.
std::string in_error(std::string_view name, bool cut) {
  std::string text(cut ? name.substr(0, name.find('\0')) : name);
  std::replace_if(
      text.begin(), text.end(), [](char byte) { return byte == '\r' || byte == '\n'; }, ' ');
  return text;
}

// Where `name` stands alone in `text`, and is not a part of some longer word that happens to contain it.
size_t find_alone(std::string_view text, std::string_view name) {
  constexpr std::string_view kAround = " '\"()[],;\r";
  if (name.empty()) return std::string_view::npos;
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool begins = at == 0 || kAround.find(text[at - 1]) != std::string_view::npos;
    const bool ends = end == text.size() || kAround.find(text[end]) != std::string_view::npos;
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

}  // namespace

// Each physical name is replaced wherever it stands alone; of several that stand at one place, the longest.
void ReplyMapper::map_error(std::string_view reply, Buffer& out) const {
  std::vector<UsedName> spellings;
  for (const UsedName& name : names_) {
    for (const bool cut : {false, true}) {
      spellings.push_back({in_error(name.used, cut), in_error(name.physical, cut)});
    }
  }
  std::sort(spellings.begin(), spellings.end(),
            [](const auto& a, const auto& b) { return a.physical.size() > b.physical.size(); });
  while (!reply.empty()) {
    size_t nearest = std::string_view::npos;
    const UsedName* found = nullptr;
    for (const UsedName& spelling : spellings) {
      const size_t at = find_alone(reply, spelling.physical);
      if (at >= nearest) continue;
      nearest = at;
      found = &spelling;
    }
    if (found == nullptr) break;
    out.append(reply.substr(0, nearest));
    out.append(found->used);
    reply.remove_prefix(nearest + found->physical.size());
  }
  out.append(reply);
}

// Puts the client's name of a key into shown_, if it sees the key and its glob fits.
bool ReplyMapper::collect_visible(std::string_view physical) {
  scratch_.clear();
  if (!scheme::client_name(*rules_, *pattern_, physical, database_, view_, scratch_)) return false;
  resp::append_bulk(shown_, scratch_.view());
  ++shown_count_;
  return true;
}

// One of several replies: a key that an earlier pattern found is not shown again.
void ReplyMapper::map_keys(std::string_view reply, Buffer& out) {
  const size_t step = step_++;
  ReplyCursor cursor(reply);
  cursor.next();
  while (!cursor.done()) {
    const Token token = cursor.next();
    const auto found_before = [&token](const std::string& glob) {
      return scheme::glob_match(glob, token.text);
    };
    const auto first = pattern_->physical.begin();
    if (std::any_of(first, first + static_cast<std::ptrdiff_t>(step), found_before)) {
      continue;
    }
    collect_visible(token.text);
  }
  if (steps_left_ > 0) return;
  append_collected(out);
  shown_.release();
}

void ReplyMapper::append_collected(Buffer& out) const {
  if (whole_ == command::Whole::kCounts) return resp::append_integer(out, static_cast<int64_t>(shown_count_));
  if (whole_ == command::Whole::kNone) {
    resp::append_array(out, shown_count_);
    out.append(shown_.view());
    return;
  }
  if (shown_count_ == 0) return resp::append_null(out, protocol_);
  ReplyCursor cursor(shown_.view());
  for (uint64_t i = draw_ % shown_count_; i > 0; --i) cursor.skip();
  out.append(cursor.skip());
}

void ReplyMapper::map_scan(std::string_view reply, Buffer& out) {
  ReplyCursor cursor(reply);
  out.append(cursor.next().raw);  // the pair
  out.append(cursor.next().raw);  // the cursor
  cursor.next();                  // the array of keys
  while (!cursor.done()) collect_visible(cursor.next().text);
  resp::append_array(out, shown_count_);
  out.append(shown_.view());
}

// Several draws: the first key that the client can see is the answer, and null if there is none.
void ReplyMapper::map_random_key(std::string_view reply, Buffer& out) {
  const Token token = ReplyCursor(reply).next();
  if (shown_count_ == 0 && token.is_string()) collect_visible(token.text);
  if (steps_left_ > 0) return;
  if (shown_count_ > 0) {
    out.append(shown_.view());
  } else if (token.is_null) {
    out.append(reply);
  } else {
    resp::append_null(out, protocol_);  // only foreign keys were drawn
  }
}

void ReplyMapper::append_used(std::string_view physical, Buffer& out) const {
  const auto name = std::find_if(names_.begin(), names_.end(), [physical](const UsedName& candidate) {
    return candidate.physical == physical;
  });
  resp::append_bulk(out, name == names_.end() ? physical : std::string_view(name->used));
}

size_t ReplyMapper::longest_physical() const {
  size_t longest = 0;
  for (const UsedName& name : names_) longest = std::max(longest, name.physical.size());
  return longest;
}

// Whatever the reply looks like, and whoever loaded the script.
void ReplyMapper::map_script_text(std::string_view reply, Buffer& out) {
  ReplyCursor cursor(reply);
  while (!cursor.done()) {
    const Token token = cursor.next();
    scratch_.clear();
    if (token.is_string() && ScriptPrelude::strip(token.text, scratch_)) {
      resp::append_bulk(out, scratch_.view());
    } else {
      out.append(token.raw);
    }
  }
}

}  // namespace keyshift::plan
