// Ambiguity: whether a template reads each of its keys in one way only; if not, a shortest key with two readings.
//
//   {a:any}:{b:any}     a::a     a=`a`, b=`:a`, or a=`a:`, b=`a`
//   {user}:{days:int}   none: the first `:` ends the user
//
// The template's automaton (automaton.h) has one path for each reading of a key, so two readings are two paths over the
// same bytes. A breadth-first search walks pairs of states, both from the beginning, over bytes that both can take; a
// pair that has parted and accepts on both sides is the proof. Equal states that never parted are one path so far.
//
// Cost: at most the square of the states (about 1,500 in the largest template), and each step tries pairs of edges, not
// bytes. An ordinary template takes microseconds. For compile(); allocates.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "keyshift/scheme/ruleset.h"
#include "keyshift/scheme/template.h"

namespace keyshift::scheme {

struct Ambiguity {
  std::string key;
  std::array<std::vector<Span>, 2> readings;  // the captures of `key`, by capture number
};

// A shortest key that `made` reads in two ways, of these the most pleasant; nothing if every key has one reading.
std::optional<Ambiguity> find_ambiguity(const Template& made);

// The same as an error that shows the key and what to write instead.
std::optional<TemplateError> ambiguity_error(const Template& made);

}  // namespace keyshift::scheme
