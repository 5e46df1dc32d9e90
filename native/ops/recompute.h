#pragma once
#include "../graph/layer.h"

#include <functional>

namespace lvm {

// f(x, pass), of which only x is kept: the backward pass computes the rest again, with the same random numbers, so that the
// result is the same to the bit and memory grows with the number of layers by their inputs alone.
Tensor recomputed(const Tensor& x, Pass& pass, std::function<Tensor(const Tensor&, Pass&)> f);

}  // namespace lvm
