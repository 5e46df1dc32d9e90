#pragma once
#include "../graph/layer.h"

#include <mutex>

namespace lvm {

// Which two channels a rotary angle turns: (0,1), (2,3) … or (0, r/2), (1, r/2 + 1) …
enum class Turn { pairs, halves };

// Sines and cosines of t · rate, float32 as the references have them.
// Shapes: [time, r/2]
struct Angles {
  Tensor sin, cos;
};

// A table of angles that grows with the longest context seen; several lanes may ask at once.
class AngleTable {
 public:
  explicit AngleTable(const Tensor& rates) : rates(rates) {}
  // Of positions `first` … `first + count − 1`.
  Angles at(int64_t first, int64_t count, torch::Device device);

 private:
  Tensor rates;
  std::mutex mutex;
  Angles table;
};
// 10000^(−2j/r), for j = 0 … r/2 − 1.
Tensor rotary_rates(int64_t r);

// Turns the first r channels of every position; the others pass.
// Shapes: x [..., time, e], angles [time, r/2] -> [..., time, e]
Tensor rotate(const Tensor& x, const Angles& by, Turn turn);

}  // namespace lvm
