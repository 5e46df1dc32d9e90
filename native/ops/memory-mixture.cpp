// A mixture of exponential means of everything read so far.
//
//   m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ, λ_k = σ(θ_k)        u_t = Σ_k (w_k + s_k · z_t + g_k · h_t / √width) m_k(t)
//   y_t = u_t + A u_t / √dim
//   z_t: log Σ λᵗ⁻ⁱ and |m_k| for each k, and the cosines of all pairs of means; h is the output of the trunk
//   w learned from 1/K; s, g and A from 0
//
// shapes  [batch, time, dim] -> [batch, time, dim]; summary [K, 2 K + K (K − 1) / 2], gate [K, width], map (A) [dim, dim]
// source  own

#include "../kernels/autocast.h"
#include "../kernels/multiply.h"

#include "memory-rates.h"
#include "op-table.h"

namespace lvm {
namespace {

struct MemoryMixture final : MemoryRates {
  MemoryMixture(const Node& node, Builder& b) : MemoryRates(node, b) {
    const auto dim = node.integer("dim"), count = node.integer("memories"), width = node.integer("width");
    scale = 1 / std::sqrt(double(width)), map_scale = 1 / std::sqrt(double(dim));
    weight = b.parameter("weight", {count}, constant(1 / double(count)), {false});
    summary = b.parameter("summary", {count, 2 * count + count * (count - 1) / 2}, constant(0), {false});
    gate = b.parameter("gate", {count, width}, constant(0));
    map = b.matrix("map", {dim, dim}, constant(0));
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto mixed = mixture(x, pass);
    return mixed + multiply(mixed, *map, {}) * map_scale;
  }
  Tensor mixture(const Tensor& x, Pass& pass) {
    const Autocast off(false, x.device().type());
    const auto read = exponential_means(x, rates(), pass.last_only, kept(pass));
    const auto from_text = torch::matmul(lvm::summary(read), wide(summary).t());
    const auto from_trunk = torch::matmul(wide(pass.features), wide(gate).t()) * scale;
    const auto weights = wide(weight) + from_text + from_trunk;  // [batch, time or 1, K]
    return torch::matmul(weights.unsqueeze(-2), read.means).squeeze(-2).to(x.scalar_type());
  }
  double scale, map_scale;
  Tensor weight, summary, gate;
  Weight map;
};

}  // namespace

Made make_memory_mixture(const Node& node, Builder& b) { return std::make_unique<MemoryMixture>(node, b); }

}  // namespace lvm
