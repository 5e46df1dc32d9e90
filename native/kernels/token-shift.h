#pragma once
#include "../graph/weight.h"

namespace lvm {

using torch::Tensor;

// Product with a mixture of each position and the previous one; only positions from `from` on are computed.
// Shapes: mix [1, 1, d], weight [out, d]
struct Shifted {
  Tensor mix;
  Weight weight;
  int64_t from = 0;
};

// y = (x mix + shift(x) (1 − mix)) Wᵀ for each entry. `past` precedes the first position; zeros if undefined. It has no gradient.
// The backward pass computes mixtures again.
// Shapes: x [batch, time, d], past [batch, d] -> [batch, time − from, out]
std::vector<Tensor> shifted_products(const Tensor& x, const Tensor& past, const std::vector<Shifted>& all);

}  // namespace lvm
