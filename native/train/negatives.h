#pragma once
#include "../data/readings.h"
#include "contrast.h"

namespace lvm {

// Draws negatives from the targets of training windows: the same ones for all batches of an optimizer step, beside the other
// targets of a batch. A row of a window's own context is never its negative.
class NegativeSampler {
 public:
  NegativeSampler(const Samples& samples, const Tensor& ids, int64_t count, uint64_t seed);

  // The drawn rows are a pure function of (seed, step).
  void draw(uint64_t step, torch::Dtype dtype, torch::Device device);
  // Negatives of a reading's outputs, whose targets are given; `every`: outputs at every position of every context.
  // Shapes: targets [outputs, dim], unit vectors
  Negatives of(const Reading& reading, bool every, const Tensor& targets) const;

 private:
  struct Output {
    int64_t context, first, length;  // the context it belongs to, and the rows it has read
    int64_t target;                  // number of its target
  };
  std::vector<Output> outputs_of(const Reading& reading, bool every) const;
  int64_t number_of(int64_t row) const { return numbers.empty() ? row : numbers[size_t(row)]; }

  const Samples& samples;
  const uint64_t seed;
  std::vector<int64_t> rows;  // targets of the training windows, sorted
  // Rows are numbered as in the table of targets; a context row that is not there has a number above its rows. Empty for one
  // table.
  std::vector<int64_t> numbers;
  int64_t count;
  std::vector<int64_t> drawn;
  Tensor drawn_vectors;  // unit vectors [count, dim]
};

}  // namespace lvm
