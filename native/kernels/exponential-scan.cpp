#include "exponential-scan.h"

#include "at-least-float32.h"
#include "autocast.h"

namespace lvm {
namespace {

// The product of a matrix [1 or batch, m, time] with each context. torch::matmul would transpose the contexts into a copy where
// the matrix needs a gradient.
Tensor times(const Tensor& matrix, const Tensor& x) { return torch::bmm(matrix.expand({x.size(0), -1, -1}), x); }

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
    const auto own = times(within.select(1, n() - 1).unsqueeze(0), x);
    return before.defined() ? own + faded.narrow(1, n() - 1, 1) * before : own;
  }
};

// Reads the blocks in turn; `read` returns the sums after a block.
template <class Reading>
void in_blocks(const Tensor& x, const Tensor& rates, int64_t length, std::vector<Tensor>* state, const Reading& read) {
  Block block;
  Tensor totals;  // before the block [1 or batch, K, 1]
  if (state && !state->empty()) block.before = state->at(0), totals = state->at(1);
  Tensor own;  // totals of the block alone
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
    block.before = read(block), totals = block.totals.narrow(-1, n - 1, 1);
  }
  if (state) *state = {block.before, totals.expand({x.size(0), -1, -1}).contiguous()};
}

Tensor joined(const std::vector<Tensor>& parts, bool last_only) {
  if (last_only) return parts.back().narrow(1, parts.back().size(1) - 1, 1);
  return parts.size() == 1 ? parts.front() : torch::cat(parts, 1);
}

// λ^age over a whole context [K, time]
Tensor powers(const Tensor& rates, int64_t time) { return rates.unsqueeze(1).pow(torch::arange(time, rates.options()).flip(0)); }

}  // namespace

Tensor exponential_mean(const Tensor& x, const Tensor& rate, bool last_only, std::vector<Tensor>* state) {
  const Autocast off(false, x.device().type());
  const auto rates = wide(rate);
  if (last_only && !state) {
    const auto weights = powers(rates, x.size(1));
    return times((weights / weights.sum(1, true)).unsqueeze(0), wide(x)).to(x.scalar_type());
  }
  std::vector<Tensor> parts;
  in_blocks(x, rates, 128, state, [&](const Block& block) {
    auto sums = times(block.within, block.x);
    if (block.before.defined()) sums = sums + block.faded[0].unsqueeze(1) * block.before;
    parts.push_back((sums / block.totals.transpose(1, 2)).to(x.scalar_type()));
    return sums.narrow(1, block.n() - 1, 1);
  });
  return joined(parts, last_only);
}

Means exponential_means(const Tensor& x, const Tensor& given, bool last_only, std::vector<Tensor>* state) {
  const Autocast off(false, x.device().type());
  const auto rates = wide(given);
  if (last_only && !state) {
    const auto weights = powers(rates, x.size(1)), totals = weights.sum(1);
    return {times((weights / totals.unsqueeze(1)).unsqueeze(0), wide(x)).unsqueeze(1), totals.view({1, 1, -1})};
  }
  std::vector<Tensor> means, totals;
  in_blocks(x, rates, 64, state, [&](const Block& block) {
    const auto n = block.n(), count = block.within.size(0);
    const auto matrix = (block.within / block.totals.unsqueeze(-1)).transpose(1, 2).flatten(1, 2);  // rows by position, then rate
    auto part = times(matrix, block.x).unflatten(1, {n, count});
    if (block.before.defined())
      part = part + (block.faded / block.totals).transpose(1, 2).unsqueeze(-1) * block.before.unsqueeze(1);
    means.push_back(part), totals.push_back(block.totals.transpose(1, 2));
    return block.sums();
  });
  return {joined(means, last_only), joined(totals, last_only)};
}

Tensor summary(const Means& of) {
  const auto count = of.means.size(2);
  const auto products = torch::matmul(of.means, of.means.transpose(-1, -2));  // keeps nothing of the size of the means
  const auto norms = products.diagonal(0, -2, -1).clamp_min(1e-24).sqrt();
  const auto pairs = torch::triu_indices(count, count, 1, of.means.options().dtype(torch::kLong));
  const auto cosines =
    (products / (norms.unsqueeze(-1) * norms.unsqueeze(-2))).flatten(-2).index_select(-1, pairs[0] * count + pairs[1]);
  return torch::cat({of.totals.log().expand({norms.size(0), -1, -1}), norms, cosines}, -1);
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
