// shape_of(): the pattern of a key that no rule knows, so that a million keys become a few lines, and an operator can
// write a rule from one of them.
//
//   orders:4711:items                                 orders:{int}:items
//   sess_9b74c9897bac770f                             sess_{hex}
//   user123:profile                                   user{int}:profile
//   report:20250806:u7:30d                            report:{date}:u{int}:{int}d
//   job-550e8400-e29b-41d4-a716-446655440000          job-{uuid}
//   cart:aZ3kQ9xVb2                                   cart:{seg}
//   profile:alice                                     profile:alice                    a word stays
//   mail:alice@example.com                            mail:{seg}                       who, not what
//   {user1}:cart                                      {{user{int}}}:cart               literal braces are doubled
//   raw:\x00\xff                                      raw:{seg}                        always printable
//   a:b:c:d:e:f:g:h:i:j                               a:b:c:d:e:f:g:h:{any}
//
// It is the template language but for names: a capture's type stands where its name belongs, so that what repeats can
// be counted; `{order:int}` makes it a template. The key is cut into segments at `:`, segments into words at other
// punctuation, and what looks generated becomes the narrowest type that takes it. Whether a word is a user's name or a
// part of the scheme nobody can tell from one key: it stays. tests/scheme/shape_test.cc has the whole table.
//
// Pure, any thread. Limits: a shape has at most kMaxShape bytes and 16 captures, and only the first kMaxRead bytes of a
// key are read, so the cost is bounded too.
#pragma once

#include <string>
#include <string_view>

namespace keyshift::scheme {

inline constexpr size_t kMaxShape = 512;
inline constexpr size_t kMaxRead = 1024;

// Appends the shape; allocates nothing else.
void append_shape(std::string_view key, std::string& out);

inline std::string shape_of(std::string_view key) {
  std::string shape;
  append_shape(key, shape);
  return shape;
}

}  // namespace keyshift::scheme
