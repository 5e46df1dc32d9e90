// A mixture of exponential means of everything read so far.
//
//   m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ, λ_k = σ(θ_k)        y_t = Σ_k (w_k + g_k · h_t / √width) m_k(t)
//   w learned from 1/K, g from 0; h is the output of the trunk
//
// shapes  [batch, time, dim] -> [batch, time, dim]; gate [K, width]
// source  own

#include "../kernels/autocast.h"

#include "memory-rates.h"
#include "op-table.h"

namespace lvm {
namespace {

struct MemoryMixture final : MemoryRates {
  MemoryMixture(const Node& node, Builder& b) : MemoryRates(node, b) {
    const auto count = node.integer("memories"), width = node.integer("width");
    scale = 1 / std::sqrt(double(width));
    weight = b.parameter("weight", {count}, constant(1 / double(count)), {false});
    gate = b.parameter("gate", {count, width}, constant(0));
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    return exponential_mixture(x, rates(), weights(pass.features), pass.last_only, kept(pass));
  }
  // Shapes: [batch, time or 1, width] -> [batch, time or 1, K]
  Tensor weights(const Tensor& features) const {
    const Autocast off(false, features.device().type());
    return wide(weight) + torch::matmul(wide(features), wide(gate).t()) * scale;
  }
  double scale;
  Tensor weight, gate;
};

}  // namespace

Made make_memory_mixture(const Node& node, Builder& b) { return std::make_unique<MemoryMixture>(node, b); }

}  // namespace lvm
