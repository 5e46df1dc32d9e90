#pragma once
#include "../graph/builder.h"
#include "../kernels/at-least-float32.h"
#include "../kernels/exponential-scan.h"

namespace lvm {

// K learned rates λ = σ(θ) of exponential means, and the state of their sums.
//
// 1 − λ falls from .98 to .02 in equal ratios at first. In float32 λ is exactly 0 at θ = −104 and exactly 1 at θ = 104, but is
// not learned there.
struct MemoryRates : Layer {
  MemoryRates(const Node& node, Builder& b) {
    const auto initial = initial_decays(node.integer("memories"));
    decay = b.parameter("decay", {int64_t(initial.size())}, [=](Tensor& t, at::Generator) { t.copy_(torch::tensor(initial)); },
                        {false});
    slot = b.slot();
  }
  bool mixes() const override { return true; }
  Tensor rates() const { return torch::sigmoid(wide(decay)); }
  std::vector<Tensor>* kept(const Pass& pass) const { return pass.state ? &pass.state->slots.at(slot) : nullptr; }
  Tensor decay;
  size_t slot;
};

}  // namespace lvm
