#pragma once
#include <torch/torch.h>

#include <functional>

namespace lvm {

using torch::Tensor;
using torch::autograd::variable_list;

// f(inputs), of which nothing but the inputs is kept: the backward pass works it out again. f must depend on nothing else.
Tensor recomputed(const std::function<Tensor(const variable_list&)>& f, const variable_list& inputs);

}  // namespace lvm
