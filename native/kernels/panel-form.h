#pragma once
#include "../graph/weight.h"

namespace lvm {

// A packed matrix whose kernel writes into given memory.
struct PanelForm : Packed {
  using Packed::Packed;
  Tensor product(const Tensor& x, const Tensor& bias) const final {
    const auto y = torch::empty({x.size(0), out}, x.options());
    const auto dense = bias.defined() ? bias.contiguous() : bias;
    write(x.const_data_ptr<float>(), x.size(0), bias.defined() ? dense.const_data_ptr<float>() : nullptr,
          y.mutable_data_ptr<float>());
    return y;
  }
};

}  // namespace lvm
