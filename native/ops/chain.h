#pragma once
#include "../graph/builder.h"

#include <optional>

namespace lvm {

// Layers one after the other. Residual and Memory are chains as well.
struct Chain : Layer {
  Chain(const Node& node, Builder& b);
  bool mixes() const override { return last_mixing.has_value(); }
  Tensor forward(const Tensor& x, Pass& pass) override;

  std::vector<Made> layers;
  std::optional<size_t> last_mixing;
};

}  // namespace lvm
