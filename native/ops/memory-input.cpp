// Exponential means of everything read so far, beside each vector.
//
//   m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ, λ_k = σ(θ_k)        y_t = [x_t  m_1(t) … m_K(t)], by channel
//
// shapes  [batch, time, dim] -> [batch, time, dim · (1 + K)]
// source  own

#include "memory-rates.h"
#include "op-table.h"

namespace lvm {
namespace {

struct MemoryInput final : MemoryRates {
  using MemoryRates::MemoryRates;
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto means = exponential_means(x, rates(), pass.last_only, kept(pass)).means.flatten(2).to(x.scalar_type());
    return torch::cat({pass.last_only ? last_position(x) : x, means}, -1);
  }
};

}  // namespace

Made make_memory_input(const Node& node, Builder& b) { return std::make_unique<MemoryInput>(node, b); }

}  // namespace lvm
