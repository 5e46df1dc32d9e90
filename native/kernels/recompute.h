#pragma once
#include "../graph/layer.h"

#include <functional>

namespace lvm {

// f(x, pass), keeping only x: the backward pass runs f again with the same random numbers. The result is equal bit for bit;
// activation memory is one input per layer.
Tensor recomputed_layer(const Tensor& x, Pass& pass, std::function<Tensor(const Tensor&, Pass&)> f);

using torch::autograd::variable_list;
// f(inputs), keeping only the inputs: the backward pass runs f again. f must depend on nothing else.
Tensor recomputed(const std::function<Tensor(const variable_list&)>& f, const variable_list& inputs);

}  // namespace lvm
