#pragma once
#include "t5.h"

#include <functional>

namespace lvm {

struct GenerateOptions {
  int64_t longest;   // ids of a text at most, the start included
  int64_t shortest;  // ids before an end is allowed
  int64_t beams;     // 1: greedy
  int64_t returned;  // texts of a source, at most `beams`
  double length_penalty;
};
// A text: the start, its ids, and the end unless it was cut.
struct Generated {
  std::vector<int32_t> ids;
  float score;  // log-probability / length^penalty; 0 when greedy
};

// Texts of each source, best first, as transformers' generate() finds them with early_stopping false. A finished source leaves
// the batch. `proceed` is called before every step and may throw. Shapes: encoded [sources, time, width], mask [sources, time] ->
// sources · returned
std::vector<Generated> generate(const T5& model, const Tensor& encoded, const Tensor& mask, const GenerateOptions& options,
                                const std::function<void()>& proceed);

}  // namespace lvm
