#pragma once
#include "../error.h"

#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Windows over a table of vectors, as row numbers: window i reads `context` rows from first[i] on and predicts row target[i].
// Overlapping windows share their rows: a batch is gathered and converted to its dtype on request.
struct Samples {
  Samples(Tensor vectors, Tensor targets, Tensor first, Tensor target, int64_t context);

  struct Batch {
    Tensor x, y;  // [batch, context, dim], [batch, dim]
  };
  Batch gather(const Tensor& ids, torch::Dtype dtype, torch::Device device) const;
  Tensor target_rows(const Tensor& ids, torch::Dtype dtype) const;  // [batch, dim]
  int64_t size() const { return first.size(0); }
  int64_t dim() const { return vectors.size(1); }

  Tensor vectors, targets, first, target;
  int64_t context;
};

}  // namespace lvm
