#pragma once
#include "../error.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace lvm {

using Value = std::variant<int64_t, double, bool, std::string>;

// A spec as plain C++ data; lib/spec/ops.ts calls it Node. Only this side of the binding sees N-API types.
struct Node {
  std::string op;
  std::string name;   // the node's part of its parameters' names; may be empty
  bool tied = false;  // its parameter names may repeat and then share tensors
  std::map<std::string, Value> params;
  std::vector<Node> of;

  int64_t integer(const char* key) const { return std::get<int64_t>(params.at(key)); }
  double real(const char* key) const { return std::get<double>(params.at(key)); }
  bool flag(const char* key) const { return std::get<bool>(params.at(key)); }
  const std::string& text(const char* key) const { return std::get<std::string>(params.at(key)); }
  // Returns a text parameter that must be one of `words`.
  // Errors: BAD_SPEC
  const std::string& word(const char* key, std::initializer_list<const char*> words) const {
    const auto& value = text(key);
    std::string all;
    for (const auto* word : words) {
      if (value == word) return value;
      all += (all.empty() ? "" : ", ") + std::string(word);
    }
    throw Error("BAD_SPEC", op + ": expected one of " + all + " for \"" + key + "\" but received \"" + value + "\"");
  }
};

}  // namespace lvm
