#pragma once
#include "builder.h"

#include <algorithm>

namespace lvm {

// Layers that read the same input.
// Errors: BAD_SPEC when there are none
struct Branches : Layer {
  Branches(const Node& node, Builder& b) : layers(b.build_all(node.of)) {
    if (layers.empty()) throw Error("BAD_SPEC", node.op + ": expected at least one op inside but there is none");
  }
  bool mixes() const override {
    return std::any_of(layers.begin(), layers.end(), [](const Made& layer) { return layer->mixes(); });
  }
  std::vector<Tensor> outputs(const Tensor& x, Pass& pass) {
    std::vector<Tensor> all;
    for (const auto& layer : layers) all.push_back((*layer)(pass.last_only && !layer->mixes() ? last_position(x) : x, pass));
    return all;
  }
  std::vector<Made> layers;
};

}  // namespace lvm
