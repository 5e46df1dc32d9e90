#pragma once
#include "../graph/layer.h"

#include <mutex>

namespace lvm {

// Pairs of channels that are rotated together: (0,1), (2,3) … or (0, r/2), (1, r/2 + 1) …
enum class Turn { pairs, halves };

// Sines and cosines of t · rate, in float32 as in the references.
// Shapes: [time, r/2]
struct Angles {
  Tensor sin, cos;
};

// A table of angles that grows with the longest context seen. Several threads may read it at once.
class AngleTable {
 public:
  explicit AngleTable(const Tensor& rates) : rates(rates) {}
  // Angles of positions `first` … `first + count − 1`.
  Angles at(int64_t first, int64_t count, torch::Device device);

 private:
  Tensor rates;
  std::mutex mutex;
  Angles table;
};
// 10000^(−2j/r), for j = 0 … r/2 − 1.
Tensor rotary_rates(int64_t r);

// Rotates the first r channels of every position and copies the others.
// Shapes: x [..., time, e], angles [time, r/2] -> [..., time, e]
Tensor rotate(const Tensor& x, const Angles& by, Turn turn);

}  // namespace lvm
