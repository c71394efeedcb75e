// No allocation on the match path: neither for a request's keys nor for the names in a reply. A program of its own, as
// it counts what the whole program allocates. A sanitizer has a malloc of its own, so it only sees what the calls
// touch.
#include <atomic>
#include <cstddef>
#include <cstdlib>

#include <gtest/gtest.h>

#include "keyshift/scheme/patterns.h"
#include "random_scheme.h"

namespace {

std::atomic<size_t> allocations{0};

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
#define KEYSHIFT_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEYSHIFT_TEST_SANITIZED 1
#endif
#endif

#ifndef KEYSHIFT_TEST_SANITIZED

// glibc's own names of what is replaced here; operator new calls malloc.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);

void* malloc(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}
}

#endif

namespace keyshift::scheme {
namespace {

struct Call {
  std::string key;
  View view;
  int db;
};

// What a request and its reply do with a key. Returns something that depends on it all.
size_t use(const Ruleset& rules, const Call& call, const KeyPattern& all, char* room, Buffer& out) {
  const Match match = rules.match(call.key, call.db, call.view);
  const size_t size = rules.physical_size(match);
  const char* const end = rules.write_physical(match, call.key, room);
  const std::string_view physical(room, static_cast<size_t>(end - room));
  size_t sum = size + physical.size();
  for (const Naming naming : {Naming::kLegacy, Naming::kConsolidated}) {
    out.clear();
    sum += rules.shown(physical, call.db, call.view, naming, out) ? out.size() : 0;
    out.clear();
    sum += rules.shown(call.key, call.db, call.view, naming, out) ? out.size() : 0;
    out.clear();
    sum += rules.convert(call.key, call.db, naming, out) == Ruleset::Conversion::kNone ? 0 : out.size();
  }
  out.clear();
  return sum + (client_name(rules, all, physical, call.db, call.view, out) ? out.size() : 0);
}

TEST(MatchPath, AllocatesNothing) {
  RandomScheme random(7);
  std::vector<char> room(4096);
  Buffer out;
  out.reserve(4096);
  size_t calls_made = 0;
  for (int set = 0; set < 200; ++set) {
    const Accepted made = accepted(random);
    KeyPattern all = translate_pattern(*made.rules, "*", 0, View());
    all.glob = "?*";
    std::vector<Call> calls;
    for (int i = 0; i < 100; ++i) {
      std::string key = random.key(made.spec, *made.rules);
      // Longer than what a std::string holds in itself.
      if (random.chance(2)) key.insert(random.below(key.size() + 1), 40, 'a');
      calls.push_back({key, random_view(random), static_cast<int>(random.below(2))});
    }
    // A table for templates that no side makes certain is one per thread, made by its first key.
    size_t sum = 0;
    for (const Call& call : calls) sum += use(*made.rules, call, all, room.data(), out);
    const size_t before = allocations;
    for (const Call& call : calls) sum -= use(*made.rules, call, all, room.data(), out);
    const size_t counted = allocations - before;
    ASSERT_EQ(counted, 0U) << described(made.spec);
    ASSERT_EQ(sum, 0U);
    calls_made += calls.size();
  }
  EXPECT_EQ(calls_made, 20'000U);
}

TEST(MatchPath, TheCountCounts) {
#ifdef KEYSHIFT_TEST_SANITIZED
  GTEST_SKIP() << "malloc is the sanitizer's";
#endif
  const size_t before = allocations;
  const std::string longer_than_fits_inside(1000, 'x');
  EXPECT_EQ(allocations - before, 1U);
  EXPECT_EQ(longer_than_fits_inside.size(), 1000U);
}

}  // namespace
}  // namespace keyshift::scheme
