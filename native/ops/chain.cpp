// Ops one after the other.
//
//   y = fₙ(… f₁(x))
//
// shapes  [batch, time, d] -> the output of the last op inside

#include "chain.h"

#include "op-table.h"

namespace lvm {

Chain::Chain(const Node& node, Builder& b) : layers(b.build_all(node.of)) {
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i]->mixes()) last_mixing = i;
  }
}

Tensor Chain::forward(const Tensor& x, Pass& pass) {
  const auto wanted = pass.last_only;
  auto y = wanted && !mixes() ? last_position(x) : x;
  for (size_t i = 0; i < layers.size(); ++i) {
    pass.last_only = wanted && (!mixes() || i >= *last_mixing);
    y = (*layers[i])(y, pass);
  }
  pass.last_only = wanted;
  return y;
}

Made make_chain(const Node& node, Builder& b) { return std::make_unique<Chain>(node, b); }

}  // namespace lvm
