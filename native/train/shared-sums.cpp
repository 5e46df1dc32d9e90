#include "shared-sums.h"

#include "../kernels/at-least-float32.h"
#include "../parallel.h"
#include "optimizer.h"
#include "shared-memory.h"

#include <numeric>

namespace lvm {
namespace {

std::vector<Tensor> tensors_at(char* at, const std::vector<Tensor>& like, const std::shared_ptr<void>& memory) {
  std::vector<Tensor> tensors;
  for (const auto& weight : like) {
    tensors.push_back(torch::from_blob(at, weight.sizes(), [memory](void*) {}, torch::kFloat32));
    at += whole_lines(tensors.back().nbytes());
  }
  return tensors;
}

}  // namespace

SharedSums::SharedSums(const std::vector<Tensor>& weights, int rank, int size)
    : weights(weights), rank(rank), size(size), cuts(cuts_of(weights, size)), first_block{0} {
  for (const auto& weight : weights) first_block.push_back(first_block.back() + blocks_of(weight.numel()));
  squares = torch::zeros({first_block.back()}, torch::kFloat64);
}

std::unique_ptr<SharedSums> SharedSums::of(const std::vector<Tensor>& weights, Ranks& ranks) {
  size_t area = 0;
  for (const auto& weight : weights) {
    if (wide(weight.scalar_type()) != torch::kFloat32) return nullptr;
    area += whole_lines(size_t(weight.numel()) * sizeof(float));
  }
  const auto steps = whole_lines(sizeof(std::atomic<int64_t>) * weights.size() * size_t(ranks.size));
  const auto memory = area == 0 ? nullptr : shared_memory(ranks, steps + area * size_t(ranks.size));
  if (!memory) return nullptr;
  std::unique_ptr<SharedSums> shared(new SharedSums(weights, ranks.rank, ranks.size));
  auto* at = static_cast<char*>(memory.get());
  shared->steps = reinterpret_cast<std::atomic<int64_t>*>(at);
  at += steps;
  for (int r = 0; r < ranks.size; ++r) shared->kept.push_back(tensors_at(at + size_t(r) * area, weights, memory));
  shared->sums = shared->kept[0];
  return shared;
}

void SharedSums::begin_step() {
  step += 1;
  added = 0;
  squares.zero_();
}

// Each part of a sum begins as the term of the first rank that does not add it up.
void SharedSums::keep(size_t weight) {
  const auto& gradient = weights[weight].grad();
  const auto from = gradient.defined() ? gradient.reshape(-1) : gradient;
  const auto copy = [&](const Tensor& to, int64_t begin, int64_t end) {
    const auto part = to.view(-1).slice(0, begin, end);
    if (from.defined()) part.copy_(from.slice(0, begin, end));
    else part.zero_();
  };
  const auto &sum = sums[weight], &own = kept[size_t(rank)][weight];
  copy(rank <= 1 ? sum : own, 0, cuts[weight][size_t(rank)]);
  copy(rank == 0 ? sum : own, cuts[weight][size_t(rank) + 1], own.numel());
  kept_in(rank, weight).store(step, std::memory_order_release);
  waiting.push_back(weight);
}

bool SharedSums::add_up() {
  const auto kept_by_all = [&](size_t weight) {
    for (int r = 0; r < size; ++r)
      if (kept_in(r, weight).load(std::memory_order_acquire) < step) return false;
    return true;
  };
  for (; !waiting.empty() && kept_by_all(waiting.front()); waiting.pop_front(), ++added) add_up(waiting.front());
  return added == weights.size();
}

void SharedSums::add_up(size_t i) {
  const auto begin = cuts[i][size_t(rank)], end = cuts[i][size_t(rank) + 1];
  const auto& gradient = weights[i].grad();
  const auto own =
    gradient.defined() ? gradient.reshape(-1).slice(0, begin, end).to(torch::kFloat32) : torch::zeros({end - begin});
  const auto first = rank == 0 ? 1 : 0;
  std::vector<const float*> terms;
  for (int r = 0; r < size; ++r)
    if (r != first) terms.push_back(r == rank ? own.const_data_ptr<float>() : kept[size_t(r)][i].const_data_ptr<float>() + begin);
  auto* sum = sums[i].mutable_data_ptr<float>() + begin;
  auto* square = squares.mutable_data_ptr<double>() + first_block[i] + begin / grain;
  parallel(blocks_of(end - begin), 1, [&](int64_t from_block, int64_t to_block) {
    for (auto b = from_block; b < to_block; ++b) {
      const auto from = b * grain, to = std::min(end - begin, from + grain);
      for (const auto* term : terms)
        for (auto k = from; k < to; ++k) sum[k] += term[k];
      square[b] = sum_of_squares(sum + from, to - from);
    }
  });
}

std::vector<double> SharedSums::square_norms() const {
  std::vector<double> norms;
  const auto* square = squares.const_data_ptr<double>();
  for (size_t i = 0; i < weights.size(); ++i)
    norms.push_back(std::accumulate(square + first_block[i], square + first_block[i + 1], 0.0));
  return norms;
}

}  // namespace lvm
