#include "exponential-scan.h"

#include "at-least-float32.h"
#include "autocast.h"

namespace lvm {
namespace {

// A block of n positions. totals: Σ λᵗ⁻ⁱ up to each position, everything before the block included.
struct Block {
  int64_t at;     // position of its first
  Tensor x;       // [batch, n, dim]
  Tensor within;  // λ^(i − j) for j ≤ i, else 0 [K, n, n]
  Tensor faded;   // λ^(i + 1): what is left of the sums before the block [K, n]
  Tensor totals;  // [1 or batch, K, n]
  Tensor before;  // sums before the block [batch, K, dim]; undefined at the start

  int64_t n() const { return x.size(1); }
  Tensor sums() const {
    const auto own = torch::matmul(within.select(1, n() - 1), x);
    return before.defined() ? own + faded.narrow(1, n() - 1, 1) * before : own;
  }
};

struct Read {
  Tensor y, sums;  // the outputs of a block, and the sums after it
};

template <class Reading>
Tensor in_blocks(const Tensor& x, const Tensor& rates, int64_t length, bool last_only, std::vector<Tensor>* state,
                 const Reading& read) {
  Block block{0};
  Tensor totals;  // before the block [1 or batch, K, 1]
  if (state && !state->empty()) block.before = state->at(0), totals = state->at(1);
  Tensor own;  // totals of the block alone
  std::vector<Tensor> parts;
  for (const auto& part : x.split(length, 1)) {
    const auto n = part.size(1);
    if (!own.defined() || own.size(1) != n) {
      const auto age = torch::arange(n, rates.options());
      block.within = rates.view({-1, 1, 1}).pow((age.unsqueeze(1) - age).clamp_min(0)).tril();
      block.faded = rates.unsqueeze(1).pow(age + 1);
      own = block.within.sum(-1);
    }
    block.x = wide(part);
    block.totals = totals.defined() ? own + block.faded * totals : own.unsqueeze(0);
    auto [y, sums] = read(block);
    parts.push_back(y.to(x.scalar_type()));
    block.before = sums, totals = block.totals.narrow(-1, n - 1, 1), block.at += n;
  }
  if (state) *state = {block.before, totals.expand({x.size(0), -1, -1}).contiguous()};
  if (last_only) return parts.back().narrow(1, parts.back().size(1) - 1, 1);
  return parts.size() == 1 ? parts.front() : torch::cat(parts, 1);
}

// The product of a matrix with each context; it is [n, n] for all contexts, or [batch, n, n].
Tensor times(const Tensor& matrix, const Tensor& x) { return torch::matmul(matrix.size(0) == 1 ? matrix[0] : matrix, x); }

// λ^age / Σ λ^age over a whole context [K, time]
Tensor shares(const Tensor& rates, int64_t time) {
  const auto weights = rates.unsqueeze(1).pow(torch::arange(time, rates.options()).flip(0));
  return weights / weights.sum(1, true);
}

}  // namespace

Tensor exponential_mean(const Tensor& x, const Tensor& rate, bool last_only, std::vector<Tensor>* state) {
  const Autocast off(false, x.device().type());
  const auto rates = wide(rate);
  if (last_only && !state) return torch::matmul(shares(rates, x.size(1)), wide(x)).to(x.scalar_type());
  return in_blocks(x, rates, 128, last_only, state, [](const Block& block) -> Read {
    auto sums = torch::matmul(block.within[0], block.x);
    if (block.before.defined()) sums = sums + block.faded[0].unsqueeze(1) * block.before;
    return {sums / block.totals.transpose(1, 2), sums.narrow(1, block.n() - 1, 1)};
  });
}

Tensor exponential_mixture(const Tensor& x, const Tensor& given, const Tensor& weights, bool last_only,
                           std::vector<Tensor>* state) {
  const Autocast off(false, x.device().type());
  const auto rates = wide(given), w = wide(weights);
  if (last_only && !state)
    return torch::matmul(torch::matmul(w, shares(rates, x.size(1))), wide(x)).to(x.scalar_type());
  return in_blocks(x, rates, 128, last_only, state, [&](const Block& block) -> Read {
    const auto of = w.size(1) == 1 ? w : w.narrow(1, block.at, block.n());
    const auto share = of.transpose(1, 2) / block.totals;  // [batch, K, n]
    // Σ_k w_k diag(1 / total_k) Λ_k is one matrix, row by row: [n, batch, K] · [n, K, n]
    const auto matrix = torch::matmul(share.permute({2, 0, 1}), block.within.permute({1, 0, 2})).transpose(0, 1);
    auto y = times(matrix, block.x);
    if (block.before.defined()) y = y + times((share * block.faded).transpose(1, 2), block.before);
    return {y, block.sums()};
  });
}

Tensor with_exponential_means(const Tensor& x, const Tensor& given, bool last_only, std::vector<Tensor>* state) {
  const Autocast off(false, x.device().type());
  const auto rates = wide(given);
  if (last_only && !state) {
    const auto means = torch::matmul(shares(rates, x.size(1)), wide(x)).flatten(1).unsqueeze(1);
    return torch::cat({x.narrow(1, x.size(1) - 1, 1), means.to(x.scalar_type())}, -1);
  }
  return in_blocks(x, rates, 64, last_only, state, [](const Block& block) -> Read {
    const auto n = block.n(), count = block.within.size(0);
    const auto matrix = (block.within / block.totals.unsqueeze(-1)).transpose(1, 2).flatten(1, 2);  // rows by position, then rate
    auto means = times(matrix, block.x).unflatten(1, {n, count});
    if (block.before.defined())
      means = means + (block.faded / block.totals).transpose(1, 2).unsqueeze(-1) * block.before.unsqueeze(1);
    return {torch::cat({block.x, means.flatten(2)}, -1), block.sums()};
  });
}

std::vector<double> initial_decays(int64_t count) {
  if (count == 1) return {std::log(0.8 / 0.2)};
  std::vector<double> decays;
  for (int64_t k = 0; k < count; ++k) {
    const auto forgotten = 0.98 * std::pow(0.02 / 0.98, double(k) / double(count - 1));
    decays.push_back(std::log((1 - forgotten) / forgotten));
  }
  return decays;
}

}  // namespace lvm
