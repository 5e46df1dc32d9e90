// Exponential means of everything read so far, for K rates λ = σ(θ).
//
//   m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ
//   exponentialMeans    y_t = [x_t  m_1(t) … m_K(t)], by channel
//   exponentialMixture  y_t = Σ_k w_k m_k(t), with w learned from 1/K
//
// θ is learned; 1 − λ falls from .98 to .02 in equal ratios at first. In float32 λ is exactly 0 at θ = −104 and exactly 1 at
// θ = 104, but is not learned there.
//
// shapes  [batch, time, dim] -> [batch, time, dim · (1 + K)], or [batch, time, dim] for the mixture
// source  own

#include "../kernels/exponential-means.h"
#include "../kernels/at-least-float32.h"

#include "op-table.h"

namespace lvm {
namespace {

struct Memories : Layer {
  Memories(const Node& node, Builder& b) {
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

struct Means final : Memories {
  using Memories::Memories;
  Tensor forward(const Tensor& x, Pass& pass) override { return with_exponential_means(x, rates(), pass.last_only, kept(pass)); }
};

struct Mixture final : Memories {
  Mixture(const Node& node, Builder& b) : Memories(node, b) {
    const auto count = node.integer("memories");
    weight = b.parameter("weight", {count}, constant(1 / double(count)), {false});
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    return exponential_mixture(x, rates(), weight, pass.last_only, kept(pass));
  }
  Tensor weight;
};

}  // namespace

Made make_exponential_means(const Node& node, Builder& b) { return std::make_unique<Means>(node, b); }
Made make_exponential_mixture(const Node& node, Builder& b) { return std::make_unique<Mixture>(node, b); }

}  // namespace lvm
