#include "summed-gradients.h"

#include "../kernels/at-least-float32.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <thread>

using namespace std::chrono_literals;

namespace lvm {
namespace {

// A small first bucket starts early; large ones use the network best. Units: bytes
constexpr int64_t first_bucket = 1 << 20, further_buckets = 25 << 20;

}  // namespace

struct SummedGradients::Hook final : torch::autograd::PostAccumulateGradHook {
  Hook(SummedGradients* owner, size_t weight) : owner(owner), weight(weight) {}
  void operator()(const Tensor&) override { owner->ready(weight); }
  SummedGradients* owner;
  size_t weight;
};

SummedGradients::SummedGradients(std::vector<Tensor> weights_, std::shared_ptr<Ranks> ranks, bool overlap)
    : weights(std::move(weights_)), ranks(std::move(ranks)), overlap(overlap), place_of(weights.size()), kept(weights.size()) {
  for (size_t i = 0; overlap && i < weights.size(); ++i)
    torch::autograd::impl::set_post_acc_grad_hooks(weights[i], std::make_unique<Hook>(this, i));
}

SummedGradients::~SummedGradients() {
  for (const auto& weight : weights)
    if (overlap) torch::autograd::impl::set_post_acc_grad_hooks(weight, nullptr);
}

void SummedGradients::begin() {
  shared = SharedSums::of(weights, *ranks);
  if (shared) return;
  // The backward pass reaches the last weights first.
  int64_t size = 0;
  for (auto i = weights.size(); i-- > 0;) {
    const auto& weight = weights[i];
    const auto dtype = wide(weight.scalar_type());
    const auto bytes = weight.numel() * int64_t(c10::elementSize(dtype)),
               most = buckets.size() <= 1 ? first_bucket : further_buckets;
    if (buckets.empty() || size + bytes > most) buckets.emplace_back(), size = 0;
    auto& bucket = buckets.back();
    place_of[i] = {buckets.size() - 1, bucket.which.size()};
    bucket.at.push_back(bucket.which.empty() ? 0 : bucket.at.back() + weights[bucket.which.back()].numel());
    bucket.which.push_back(i);
    size += bytes;
  }
  for (auto& bucket : buckets) {
    const auto& last = weights[bucket.which.back()];
    bucket.flat =
      torch::zeros({bucket.at.back() + last.numel()}, last.options().dtype(wide(last.scalar_type())).requires_grad(false));
    bucket.missing = bucket.which.size();
  }
}

Tensor SummedGradients::place(const Bucket& bucket, size_t i) const {
  const auto& weight = weights[bucket.which[i]];
  return bucket.flat.narrow(0, bucket.at[i], weight.numel()).view(weight.sizes());
}

void SummedGradients::ready(size_t weight) {
  if (!sending) return;
  const torch::NoGradGuard no_grad;
  if (shared) return keep(weight);
  const auto [b, i] = place_of[weight];
  auto& bucket = buckets[b];
  place(bucket, i).copy_(weights[weight].grad());
  bucket.missing -= 1;
  send_ready();
}

// All ranks send in the same order.
void SummedGradients::send_ready() {
  while (next < buckets.size() && buckets[next].missing == 0) send(buckets[next++]);
}

void SummedGradients::send(Bucket& bucket) { bucket.wait = ranks->sum(bucket.flat); }

void SummedGradients::complete_next() {
  sending = overlap;
  if (!shared) return;
  shared->begin_step();
  sums_used = ranks->sum(torch::zeros({1}));
}

void SummedGradients::keep(size_t weight) {
  if (kept[weight]) return;
  if (sums_used) sums_used(), sums_used = nullptr;
  shared->keep(weight);
  kept[weight] = true;
  shared->add_up();
}

void SummedGradients::finish_shared(const Tensor& figures) {
  for (size_t i = 0; i < weights.size(); ++i) keep(i);
  const auto sum = ranks->sum(figures);
  while (!shared->add_up()) {
    sum.ended();  // throws where a rank is lost
    std::this_thread::sleep_for(20us);
  }
  sum();
  ranks->sum(shared->squares)();
  auto exact = true;
  for (size_t i = 0; i < weights.size(); ++i) {
    auto weight = weights[i];
    if (weight.grad().defined()) weight.mutable_grad() = shared->sum(i).to(weight.scalar_type());
    exact = exact && weight.scalar_type() == torch::kFloat32;
  }
  if (exact) squares = shared->square_norms();  // those of rounded sums differ
  kept.assign(weights.size(), false);
  sending = false;
}

void SummedGradients::finish(const Tensor& figures) {
  const torch::NoGradGuard no_grad;
  if (shared) return finish_shared(figures);
  for (; next < buckets.size(); ++next) {
    auto& bucket = buckets[next];
    for (size_t i = 0; i < bucket.which.size(); ++i) {
      const auto& gradient = weights[bucket.which[i]].grad();
      if (gradient.defined()) place(bucket, i).copy_(gradient);
      else place(bucket, i).zero_();
    }
    send(bucket);
  }
  const auto wait = ranks->sum(figures);
  for (auto& bucket : buckets) {
    bucket.wait();
    bucket.wait = nullptr;
    bucket.missing = bucket.which.size();
    for (size_t i = 0; i < bucket.which.size(); ++i) {
      auto weight = weights[bucket.which[i]];
      if (weight.grad().defined()) weight.mutable_grad() = place(bucket, i).to(weight.scalar_type());
    }
  }
  wait();
  next = 0;
  sending = false;
}

}  // namespace lvm
