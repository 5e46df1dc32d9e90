#pragma once
#include "../graph/layer.h"

#include <functional>

namespace lvm {

// f(x, pass), of which only x is kept: the backward pass computes the rest again, with the same random numbers, so that the
// result is the same to the bit and memory grows with the number of layers by their inputs alone.
Tensor recomputed_layer(const Tensor& x, Pass& pass, std::function<Tensor(const Tensor&, Pass&)> f);

using torch::autograd::variable_list;
// f(inputs), of which nothing but the inputs is kept: the backward pass works it out again. f must depend on nothing else.
Tensor recomputed(const std::function<Tensor(const variable_list&)>& f, const variable_list& inputs);

}  // namespace lvm
