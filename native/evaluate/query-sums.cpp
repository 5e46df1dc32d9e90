#include "query-sums.h"

#include "../error.h"
#include "../parallel.h"
#include "bank-products.h"
#include "retrieval-kernels.h"

#include <algorithm>

namespace lvm {
namespace {

void check(const QuerySums& sums, const Tensor& queries) {
  const auto& [parts, rows, weights] = sums;
  if (parts.dim() != 2 || parts.size(1) != queries.size(1) || !parts.is_cpu() || !parts.is_contiguous() ||
      parts.scalar_type() != torch::kFloat32 || rows.dim() != 2 || rows.size(0) != queries.size(0) || rows.size(1) < 1 ||
      weights.sizes() != rows.sizes() || rows.min().item<int64_t>() < 0 || rows.max().item<int64_t>() >= parts.size(0))
    throw Error("BAD_ARGUMENT", "retrieve: expected sums of float32 vectors as wide as the queries");
  if (!parts.isfinite().all().item<bool>()) throw Error("BAD_ARGUMENT", "retrieve: expected sums of finite vectors");
}

}  // namespace

SharedSums::SharedSums(const QuerySums& sums, const Tensor& queries, int64_t longest) {
  if (queries.size(0) == 0) return;
  check(sums, queries);
  const auto n = queries.size(0), count = sums.parts.size(0), dim = queries.size(1);
  unit = torch::empty({count, dim});
  errors.resize(size_t(n));
  terms.resize(size_t(n));
  std::vector<double> lengths(static_cast<size_t>(count));
  parallel(count, 64, [&](int64_t begin, int64_t end) {
    for (auto r = begin; r < end; ++r) {
      const retrieval::Row part{sums.parts.const_data_ptr<float>() + r * dim, nullptr};
      const auto length = lengths[size_t(r)] = std::sqrt(retrieval::dot(part, part, dim));
      retrieval::scaled(part, length > 0 ? 1 / length : 0, unit.mutable_data_ptr<float>() + r * dim, dim);
    }
  });
  parallel(n, 64, [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto left = read(i, sums, queries.const_data_ptr<float>() + i * dim, lengths);
      double size = 0;
      for (const auto& term : terms[size_t(i)]) size += std::abs(double(term.weight));
      // each product has the error of two unit vectors' times its weight, and each term adds a rounding
      errors[size_t(i)] = error_bound(dim + int64_t(terms[size_t(i)].size())) * std::max(1., size) + left;
    }
  });
  for (int64_t i = 0; i < n; ++i) {
    auto low = count, high = int64_t(0);
    for (const auto& term : terms[size_t(i)]) low = std::min(low, term.row), high = std::max(high, term.row + 1);
    if (low > high) low = 0;  // a query of zeros
    if (high - low > longest) throw Error("BAD_ARGUMENT", "retrieve: expected the vectors of a sum to be near one another");
    auto* last = stretches.empty() ? nullptr : &stretches.back();
    if (last && std::max(high, last->high) - std::min(low, last->low) <= longest)
      *last = {last->from, i + 1, std::min(low, last->low), std::max(high, last->high)};
    else stretches.push_back({i, i + 1, low, high});
  }
}

double SharedSums::read(int64_t i, const QuerySums& sums, const float* query, const std::vector<double>& lengths) {
  const auto dim = unit.size(1), width = sums.rows.size(1);
  const auto* rows = sums.rows.const_data_ptr<int64_t>() + i * width;
  const auto* weights = sums.weights.const_data_ptr<double>() + i * width;
  const retrieval::Row self{query, nullptr};
  const auto length = std::sqrt(retrieval::dot(self, self, dim));
  std::vector<double> left(static_cast<size_t>(dim), 0.);
  if (!(length > 0)) return 0;
  for (int64_t j = 0; j < dim; ++j) left[size_t(j)] = double(query[j]) / length;
  for (int64_t t = 0; t < width; ++t) {
    const auto weight = float(weights[t] * lengths[size_t(rows[t])] / length);
    if (weight == 0) continue;
    terms[size_t(i)].push_back({rows[t], weight});
    const auto* part = unit.const_data_ptr<float>() + rows[t] * dim;
    for (int64_t j = 0; j < dim; ++j) left[size_t(j)] -= double(weight) * double(part[j]);
  }
  double square = 0;
  for (const auto x : left) square += x * x;
  return std::sqrt(square);
}

void SharedSums::add(int64_t i, const float* table, int64_t low, int64_t count, float* out) const {
  const auto& own = terms[size_t(i)];
  std::fill(out, out + count, 0.f);
  for (const auto& [row, weight] : own) retrieval::add_scaled(out, table + (row - low) * count, weight, count);
}

}  // namespace lvm
