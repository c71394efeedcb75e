// Replies to test with: random ones, what the scanner says of them in pieces, and where it must agree with hiredis.
#pragma once

#include <array>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "exact_block.h"
#include "hiredis_oracle.h"
#include "keyshift/resp/protocol.h"
#include "keyshift/resp/reply_cursor.h"
#include "keyshift/resp/reply_scanner.h"
#include "request_stream.h"

namespace keyshift::resp {

struct Facts {
  char type = 0;
  int64_t number = 0;
  uint64_t elements = 0;
  uint64_t nulls = 0;

  friend bool operator==(const Facts&, const Facts&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Facts& f) {
    return out << "{" << f.type << " number " << f.number << " elements " << f.elements << " nulls "
               << f.nulls << "}";
  }
};

struct ScanOutcome {
  ReplyScanner::Status status;
  size_t size;  // consumed in all
  Facts facts;
};

// Scans one frame that comes in pieces, cut before each offset of `cuts` (ascending).
inline ScanOutcome scan_in_pieces(const Limits& limits, std::string_view bytes, std::vector<size_t> cuts) {
  ReplyScanner scanner(limits);
  size_t size = 0;
  ReplyScanner::Status status = ReplyScanner::Status::kIncomplete;
  cuts.push_back(bytes.size());
  for (const size_t cut : cuts) {
    const ExactBlock piece(bytes.substr(size, cut - size));
    const ReplyScanner::Scan scan = scanner.scan(piece.view());
    size += scan.consumed;
    status = scan.status;
    if (status != ReplyScanner::Status::kIncomplete) break;
  }
  return {status, size, {scanner.type(), scanner.number(), scanner.elements(), scanner.nulls()}};
}

// Appends a reply no deeper than `depth`, or a value within one, and says what the scanner should know of it.
inline Facts append_random_reply(std::string& out, std::mt19937& random, int depth, Protocol protocol,
                                 bool within = false) {
  const auto number = [&] { return static_cast<int64_t>(random() % 5 == 0 ? random() : random() % 20) - 5; };
  const auto line = [&](char type, const std::string& text) { out += type + text + "\r\n"; };
  const auto bulk = [&](char type, std::string body) {
    line(type, std::to_string(body.size()));
    out += body + "\r\n";
    return Facts{type, static_cast<int64_t>(body.size()), 0, 0};
  };
  const auto text = [&](size_t longest, bool binary) {
    std::string bytes(random() % longest, ' ');
    for (char& c : bytes) c = binary ? static_cast<char>(random()) : static_cast<char>('a' + random() % 26);
    return bytes;
  };
  const auto aggregate = [&](char type, size_t count) {
    Facts facts{type, static_cast<int64_t>(count), count * (type == '%' ? 2 : 1), 0};
    line(type, std::to_string(count));
    for (size_t i = 0; i < facts.elements; ++i)
      facts.nulls += append_random_reply(out, random, depth - 1, protocol, true).nulls;
    return facts;
  };
  const bool resp3 = protocol == Protocol::kResp3;
  const unsigned leaves = resp3 ? 13 : 7;
  switch (random() % (depth > 0 ? leaves + 6 : leaves)) {
    case 0:
      line('+', text(20, false));
      return {'+', 0, 0, 0};
    case 1:
      line('-', "ERR " + text(20, false));
      return {'-', 0, 0, 0};
    case 2: {
      const int64_t n = number();
      line(':', std::to_string(n));
      return {':', n, 0, 0};
    }
    case 3:
      line('$', "-1");
      return {'$', -1, 0, 1};
    case 4:
      line('*', "-1");
      return {'*', -1, 0, 1};
    case 5:
      return bulk('$', text(300, true));
    case 6:
      return bulk('$', text(10, true));
    case 7:
      if (!resp3) break;
      line('_', "");
      return {'_', -1, 0, 1};
    case 8:
      if (!resp3) break;
      line('#', random() % 2 == 0 ? "t" : "f");
      return {'#', 0, 0, 0};
    case 9:
      if (!resp3) break;
      line(',', "1.5e" + std::to_string(random() % 9));
      return {',', 0, 0, 0};
    case 10:
      if (!resp3) break;
      line('(', "-" + std::to_string(random()) + std::to_string(random()));
      return {'(', 0, 0, 0};
    case 11:
      if (!resp3) break;
      return bulk('=', "txt:" + text(20, true));
    case 12:
      if (!resp3) break;
      return bulk('!', "ERR " + text(20, true));
    default:
      break;
  }
  if (resp3 && random() % 5 == 0) {
    // Attributes, and among values pushes, stand before a value and count as none.
    constexpr std::array kBeside = {"|0\r\n", "|2\r\n+a\r\n*1\r\n:1\r\n+b\r\n|1\r\n+c\r\n+d\r\n:2\r\n",
                                    ">2\r\n+p\r\n*1\r\n:1\r\n"};
    out += kBeside[random() % (within ? 3 : 2)];
    return append_random_reply(out, random, depth > 0 ? depth - 1 : 0, protocol, within);
  }
  return aggregate(resp3 ? "*~%>"[random() % (within ? 3 : 4)] : '*', random() % 6);
}

// The law between the scanner and hiredis 0.14 on RESP2 bytes: empty if it holds, else what is wrong.
//   - what hiredis takes, we take, up to the same byte, with the same values; except a bulk without CRLF behind it
//   - what hiredis refuses, we refuse, or it is RESP3, or nested deeper than it can
inline std::string disagreement_with_hiredis(std::string_view bytes) {
  const ScanOutcome ours = scan_in_pieces({}, bytes, {});
  if (ours.status == ReplyScanner::Status::kComplete) {
    std::vector<FlatValue> values;
    bool resp3 = false;
    size_t deepest = 0;
    std::vector<uint64_t> open;
    for (ReplyCursor cursor(bytes.substr(0, ours.size)); !cursor.done();) {
      const Token token = cursor.next();
      if (token.is_null) {
        values.push_back({'_', -1, ""});
      } else {
        values.push_back({token.type, static_cast<int64_t>(token.count), std::string(token.text)});
      }
      if (token.type == ':') {
        values.back().number = std::stoll(values.back().text);
        values.back().text.clear();
      }
      resp3 = resp3 || std::string_view("+-:$*").find(token.type) == std::string_view::npos;
      while (!open.empty() && open.back() == 0) open.pop_back();
      if (!open.empty()) --open.back();
      if (token.count > 0) open.push_back(token.count);
      deepest = std::max(deepest, open.size());
    }
    if (resp3 || deepest > 7) return "";
    const HiredisVerdict theirs = ask_hiredis(bytes.substr(0, ours.size));
    if (theirs.kind == HiredisVerdict::kError) return "we complete, hiredis refuses";
    if (theirs.kind == HiredisVerdict::kIncomplete) return "we complete, hiredis waits";
    if (theirs.values != values) return "the values differ";
    const HiredisVerdict shorter = ask_hiredis(bytes.substr(0, ours.size - 1));
    if (shorter.kind != HiredisVerdict::kIncomplete) return "hiredis ends earlier";
    return "";
  }
  const HiredisVerdict theirs = ask_hiredis(bytes);
  if (ours.status == ReplyScanner::Status::kIncomplete) {
    return theirs.kind == HiredisVerdict::kComplete ? "we wait, hiredis completes" : "";
  }
  if (theirs.kind != HiredisVerdict::kComplete) return "";
  // The one freedom that we do not share: hiredis skips the two bytes behind a bulk unseen. Mended one by one they must
  // bring us forward and change nothing for hiredis; any other refusal does not survive this.
  std::string mended(bytes);
  size_t at = ours.size;
  while (true) {
    bool moved = false;
    for (const char right : {'\r', '\n'}) {
      mended[at] = right;
      const ScanOutcome again = scan_in_pieces({}, mended, {});
      if (again.status != ReplyScanner::Status::kError)
        return ask_hiredis(mended).values == theirs.values ? "" : "mended";
      moved = again.size > at;
      if (moved) at = again.size;
      if (moved) break;
    }
    if (!moved || ask_hiredis(mended).values != theirs.values) return "we refuse, hiredis completes";
  }
}

}  // namespace keyshift::resp
