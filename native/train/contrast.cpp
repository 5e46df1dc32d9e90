//   loss(i) = log(exp(s(i)) + Σⱼ exp(s(i, j) − log q(i, j))) − s(i),  s = cosine / temperature,  j over the negatives of i
//
// q(i, j) is the probability that row j is a column, so the sum is an unbiased estimate of that over all rows; the target always
// takes part, so its q is 1. The gradients are computed here, a block of queries after the other: autograd would keep several
// matrices [queries, columns].
//
// source  van den Oord et al. 2018, arXiv:1807.03748 eq. 4; s − log q: Bengio & Senécal 2008, IEEE Trans. Neural Networks 19(4),
//         Yi et al. 2019, RecSys, eq. 3; learned temperature: Radford et al. 2021, arXiv:2103.00020 § 2.4

#include "contrast.h"

namespace lvm {
namespace {

constexpr double copy = 0.99;  // least cosine of a target and a row that counts as its copy
constexpr int64_t block = 256;

Tensor flat_places(const Negatives& negatives, int64_t at, int64_t count) {
  std::vector<int64_t> places;
  for (auto i = at; i < at + count; ++i) {
    for (auto k = negatives.first[size_t(i)]; k < negatives.first[size_t(i) + 1]; ++k)
      places.push_back((i - at) * negatives.vectors.size(0) + negatives.excluded[size_t(k)]);
  }
  return torch::tensor(places, torch::kInt64);
}

Tensor log_q_of(const Negatives& negatives, int64_t at, int64_t count) {
  const auto log_q = negatives.log_q.narrow(0, at, count);
  if (!negatives.query_group.defined()) return log_q;
  const auto together = negatives.query_group.narrow(0, at, count).unsqueeze(1) == negatives.column_group;
  return log_q.expand({count, negatives.vectors.size(0)}).masked_fill(together, 0);
}

}  // namespace

Contrasted contrast(const Tensor& queries, const Tensor& targets, const Negatives& negatives, double log_temperature) {
  torch::NoGradGuard no_grad;
  const auto n = queries.size(0);
  const auto scale = std::exp(-log_temperature);
  const auto columns = negatives.vectors.t();
  std::vector<Tensor> losses, gradients;
  for (int64_t at = 0; at < n; at += block) {
    const auto count = std::min(block, n - at);
    const auto query = queries.narrow(0, at, count), target = targets.narrow(0, at, count);
    auto logits = query.matmul(columns).mul_(scale).sub_(log_q_of(negatives, at, count));
    logits.masked_fill_(target.matmul(columns) >= copy, -INFINITY);
    logits.view(-1).index_fill_(0, flat_places(negatives, at, count).to(logits.device()), -INFINITY);
    const auto own = (query * target).sum(1, true) * scale;
    const auto all = torch::logaddexp(logits.logsumexp(1, true), own);
    losses.push_back((all - own).squeeze(1));
    const auto pulled = ((own - all).exp() - 1) * target;
    gradients.push_back(logits.sub_(all).exp_().matmul(negatives.vectors).add_(pulled).mul_(scale / double(n)));
  }
  const auto gradient = torch::cat(gradients);
  return {torch::cat(losses), gradient, -(queries * gradient).sum(torch::kFloat64).item<double>()};
}

}  // namespace lvm
