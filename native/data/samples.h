#pragma once
#include "../error.h"

#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Windows over a table of vectors, as row numbers: window i reads length[i] rows from first[i] on and predicts row target[i].
// Overlapping windows share their rows: a batch is gathered and converted to its dtype on request.
struct Samples {
  // `length` [windows], or undefined when every context has `context` vectors
  Samples(Tensor vectors, Tensor targets, Tensor first, Tensor target, int64_t context, Tensor length = {});

  struct Batch {
    Tensor x, y;  // [contexts, time, dim], [windows, dim]
  };
  // Contexts of these rows, and the targets of these windows. A context shorter than `time` repeats its last row, which no causal
  // model can see at the positions before.
  Batch gather(const Tensor& first, const Tensor& length, int64_t time, const Tensor& windows, torch::Dtype dtype,
               torch::Device device) const;
  Tensor target_rows(const Tensor& ids, torch::Dtype dtype) const;  // [batch, dim]
  int64_t size() const { return first.size(0); }
  int64_t dim() const { return vectors.size(1); }

  Tensor vectors, targets, first, target;
  int64_t context;
  Tensor length;
};

}  // namespace lvm
