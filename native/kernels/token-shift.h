#pragma once
#include "../graph/weight.h"

namespace lvm {

using torch::Tensor;

// A product with a mixture of each position and the one before it.
// Shapes: mix [1, 1, d], weight [out, d]; positions from `from` on are wanted
struct Shifted {
  Tensor mix;
  Weight weight;
  int64_t from = 0;
};

// y = (x mix + shift(x) (1 − mix)) Wᵀ for each of them. Before the first position stands `past`, or zeros where it is
// undefined; it has no gradient. Mixtures are not kept: the backward pass works them out again.
// Shapes: x [batch, time, d], past [batch, d] -> [batch, time − from, out]
std::vector<Tensor> shifted_products(const Tensor& x, const Tensor& past, const std::vector<Shifted>& all);

}  // namespace lvm
