// A mixture of exponential means of everything read so far.
//
//   m_k(t) = Σ λ_kᵗ⁻ⁱ xᵢ / Σ λ_kᵗ⁻ⁱ, λ_k = σ(θ_k)        u_t = Σ_k (w_k + s_k · z_t + g_k · h_t / √width) (m_k(t) − c)
//   y_t = u_t + A u_t / √dim
//   z_t: log Σ λᵗ⁻ⁱ and |m_k| for each k, and the cosines of all pairs of means, less summary_center, over summary_scale; h is
//   the output of the trunk w learned from 1/K; s, g and A from 0; c (center), summary_center and summary_scale are fitted before
//   training; 0, 0 and 1 if not
//
// shapes  [batch, time, dim] -> [batch, time, dim]; summary [K, S], S = 2 K + K (K − 1) / 2; gate [K, width], map (A) [dim, dim],
//         center [dim], summary_center and summary_scale [S]
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
    const auto entries = 2 * count + count * (count - 1) / 2;
    summary = b.parameter("summary", {count, entries}, constant(0), {false});
    gate = b.parameter("gate", {count, width}, constant(0));
    map = b.matrix("map", {dim, dim}, constant(0));
    center = b.buffer("center", torch::zeros(dim));
    summary_center = b.buffer("summary_center", torch::zeros(entries));
    summary_scale = b.buffer("summary_scale", torch::ones(entries));
  }
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto mixed = mixture(x, pass);
    return mixed + multiply(mixed, *map, {}) * map_scale;
  }
  Tensor mixture(const Tensor& x, Pass& pass) {
    const Autocast off(false, x.device().type());
    const auto read = exponential_means(x, rates(), pass.last_only, kept(pass));
    const auto z = (lvm::summary(read) - wide(summary_center)) / wide(summary_scale);
    const auto from_text = torch::matmul(z, wide(summary).t());
    const auto from_trunk = torch::matmul(wide(pass.features), wide(gate).t()) * scale;
    const auto weights = wide(weight) + from_text + from_trunk;  // [batch, time or 1, K]
    const auto mixed = torch::matmul(weights.unsqueeze(-2), read.means).squeeze(-2);
    return (mixed - weights.sum(-1, true) * wide(center)).to(x.scalar_type());
  }
  double scale, map_scale;
  Tensor weight, summary, gate, center, summary_center, summary_scale;
  Weight map;
};

}  // namespace

Made make_memory_mixture(const Node& node, Builder& b) { return std::make_unique<MemoryMixture>(node, b); }

}  // namespace lvm
