// A mixture of exponential means of everything read so far.
//
//   m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ, λ_k = σ(θ_k)        y_t = Σ_k w_k m_k(t), w learned from 1/K
//
// shapes  [batch, time, dim] -> [batch, time, dim]
// source  own

#include "memory-rates.h"
#include "op-table.h"

namespace lvm {
namespace {

struct MemoryMixture final : MemoryRates {
  MemoryMixture(const Node& node, Builder& b) : MemoryRates(node, b) {
    const auto count = node.integer("memories");
    weight = b.parameter("weight", {count}, constant(1 / double(count)), {false});
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    return exponential_mixture(x, rates(), weight, pass.last_only, kept(pass));
  }
  Tensor weight;
};

}  // namespace

Made make_memory_mixture(const Node& node, Builder& b) { return std::make_unique<MemoryMixture>(node, b); }

}  // namespace lvm
