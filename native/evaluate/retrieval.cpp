#include "retrieval.h"

#include "../data/mapped-file.h"
#include "../parallel.h"
#include "bank-products.h"
#include "nearest.h"
#include "query-sums.h"

#include <cmath>
#include <optional>

namespace lvm {
namespace {

using retrieval::Row;

constexpr int64_t query_block = 2048, strip = 128;

// Cosine; 0 for a zero vector.
double quotient(double product, double a, double b) { return a > 0 && b > 0 ? product / (a * b) : 0; }

struct Query {
  const float* vector;
  double norm;
  int64_t target;
  double cosine;                  // cosine with its target
  double error;                   // bound on the error of its float32 cosines
  std::vector<int64_t> excluded;  // sorted
  int64_t ahead = 0, tied = 0, excluded_ahead = 0, excluded_tied = 0;
  Nearest allowed, left_out;

  bool excludes(int64_t row) const { return std::binary_search(excluded.begin(), excluded.end(), row); }
  bool behind(double other) const { return other > cosine + tie; }
  bool level(double other) const { return !behind(other) && other >= cosine - tie; }
};

float below(double x) { return std::nextafter(float(x), -INFINITY); }
float above(double x) { return std::nextafter(float(x), INFINITY); }

struct Search {
  Search(const Tensor& queries, Bank& bank, const Tensor& target, const Tensor& first, const Tensor& excluded, int64_t k,
         const QuerySums* of)
      : bank(bank), n(queries.size(0)), k(k), unit(torch::empty({of ? 0 : n, bank.dim})), list(size_t(n)) {
    const float* vectors = queries.const_data_ptr<float>();
    const auto *targets = target.const_data_ptr<int64_t>(), *from = first.const_data_ptr<int64_t>(),
               *rows = excluded.const_data_ptr<int64_t>();
    float* out = unit.mutable_data_ptr<float>();
    parallel(n, 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        auto& q = list[size_t(i)];
        q.vector = vectors + i * bank.dim;
        const Row self{q.vector, nullptr};
        q.norm = std::sqrt(retrieval::dot(self, self, bank.dim));
        if (!of) retrieval::scaled(self, q.norm > 0 ? 1 / q.norm : 0, out + i * bank.dim, bank.dim);
        q.target = targets[i];
        q.cosine = cosine(q, q.target, bank.measure(q.target));
        q.error = error_bound(bank.dim);
        q.excluded.assign(rows + from[i], rows + from[i + 1]);
        std::sort(q.excluded.begin(), q.excluded.end());
      }
    });
    if (!of) return;
    sums.emplace(*of, queries, query_block);
    for (int64_t i = 0; i < n; ++i) list[size_t(i)].error = sums->errors[size_t(i)];
  }

  double cosine(const Query& q, int64_t row, double norm) const {
    return quotient(retrieval::dot(q.vector, bank.at(row), bank.dim), q.norm, norm);
  }

  void scan(const Bank::Block& block) {
    std::vector<float> scales(size_t(block.count));
    for (int64_t j = 0; j < block.count; ++j)
      scales[size_t(j)] = !block.usual ? 1 : block.lengths[j] > 0 ? float(1 / block.lengths[j]) : 0;
    const bool few = !sums && block.usual && n <= retrieval::few_queries;
    const auto factor = few ? Tensor() : float_rows(block);
    if (sums) return scan_sums(block, factor, scales);
    for (int64_t from = 0; from < n; from += query_block) {
      const auto part = std::min(query_block, n - from);
      const auto cosines = few ? few_products(block) : products(unit.narrow(0, from, part), factor);
      float* table = cosines.mutable_data_ptr<float>();
      parallel(part, 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          retrieval::multiply(table + i * block.count, scales.data(), block.count);
          look(list[size_t(from + i)], table + i * block.count, block);
        }
      });
    }
  }

  // Products of the shared vectors, and from them those of the queries.
  void scan_sums(const Bank::Block& block, const Tensor& factor, const std::vector<float>& scales) {
    for (const auto& [from, to, low, high] : sums->stretches) {
      const auto cosines = products(sums->unit.narrow(0, low, high - low), factor);
      float* table = cosines.mutable_data_ptr<float>();
      parallel(high - low, 16, [&](int64_t begin, int64_t end) {
        for (auto i = begin; i < end; ++i) retrieval::multiply(table + i * block.count, scales.data(), block.count);
      });
      parallel(to - from, 16, [&, first = from, shift = low](int64_t begin, int64_t end) {
        std::vector<float> own(size_t(block.count));
        for (auto i = first + begin; i < first + end; ++i) {
          sums->add(i, table, shift, block.count, own.data());
          look(list[size_t(i)], own.data(), block);
        }
      });
    }
  }

  // Products of the queries with the stored rows.
  Tensor few_products(const Bank::Block& block) const {
    auto out = torch::empty({n, block.count});
    float* to = out.mutable_data_ptr<float>();
    parallel(block.count, std::max<int64_t>(16, 32768 / bank.dim), [&](int64_t begin, int64_t end) {
      retrieval::few_products(unit.const_data_ptr<float>(), n, bank.at(block.begin + begin), end - begin, bank.dim, to + begin,
                              block.count);
    });
    return out;
  }

  // The rows of a block in float32, normalised if their lengths are not usual.
  Tensor float_rows(const Bank::Block& block) const {
    if (block.usual && bank.table.scalar_type() == torch::kFloat32) return bank.table.narrow(0, block.begin, block.count);
    auto rows = torch::empty({block.count, bank.dim});
    float* out = rows.mutable_data_ptr<float>();
    parallel(block.count, 64, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        const auto scale = block.usual ? 1 : block.lengths[j] > 0 ? 1 / block.lengths[j] : 0;
        retrieval::scaled(bank.at(block.begin + j), scale, out + j * bank.dim, bank.dim);
      }
    });
    return rows;
  }

  void look(Query& q, const float* cosines, const Bank::Block& block) const {
    const auto [at, count, norms, usual] = block;
    const auto least = std::max(below(q.allowed.least(k) - q.error), least_near(q, cosines, count));
    retrieval::Limits limits{below(q.cosine - q.error), above(q.cosine + q.error), least};
    for (int64_t j = 0; j < count; j += strip) {
      const auto end = std::min(j + strip, count);
      if (!retrieval::examine(cosines + j, end - j, limits, q.ahead)) continue;
      for (int64_t i = j; i < end; ++i) {
        const bool open = cosines[i] >= limits.low && cosines[i] <= limits.high;
        if (open || cosines[i] >= limits.near) look_closer(q, at + i, norms[i], open);
      }
      limits.near = std::max(least, below(q.allowed.least(k) - q.error));
    }
    const auto [first, last] = std::pair(std::lower_bound(q.excluded.begin(), q.excluded.end(), at),
                                         std::lower_bound(q.excluded.begin(), q.excluded.end(), at + count));
    for (auto row = first; row != last; ++row) {
      const auto exact = cosine(q, *row, norms[*row - at]);
      q.excluded_ahead += q.behind(exact);
      q.excluded_tied += q.level(exact);
      q.left_out.offer({exact, *row}, k);
    }
  }

  // While fewer than k neighbours are known: a float32 cosine that none of the k nearest allowed rows of a block is below.
  // Without it every row of the first block would be computed in float64.
  float least_near(const Query& q, const float* cosines, int64_t count) const {
    const auto enough = k + int64_t(q.excluded.size());
    const bool known = k == 0 || int64_t(q.allowed.all().size()) == k;
    return known || enough > count ? -2 : below(least_of_largest(cosines, count, enough) - 2 * q.error);
  }

  void look_closer(Query& q, int64_t row, double norm, bool open) const {
    const auto exact = cosine(q, row, norm);
    if (open && row != q.target) {
      q.ahead += q.behind(exact);
      q.tied += q.level(exact);
    }
    if (!q.excludes(row)) q.allowed.offer({exact, row}, k);
  }

  Retrieval result() const {
    Retrieval result{ranking(), ranking()};
    parallel(n, 16, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto& q = list[size_t(i)];
        auto nearest = q.allowed.all();
        fill(result.allowed, i, q.ahead - q.excluded_ahead, q.tied - q.excluded_tied, nearest);
        nearest.insert(nearest.end(), q.left_out.all().begin(), q.left_out.all().end());
        fill(result.all, i, q.ahead, q.tied, nearest);
      }
    });
    return result;
  }

  Ranking ranking() const {
    const auto each = size_t(n), some = size_t(n * k);
    return {std::vector<int32_t>(each), std::vector<int32_t>(each), std::vector<int32_t>(some, -1),
            std::vector<double>(some, NAN), std::vector<double>(some, NAN)};
  }

  void fill(Ranking& ranking, int64_t i, int64_t ahead, int64_t tied, std::vector<Neighbour> nearest) const {
    ranking.ahead[size_t(i)] = int32_t(ahead);
    ranking.tied[size_t(i)] = int32_t(tied);
    std::sort(nearest.begin(), nearest.end(), before);
    const auto target = list[size_t(i)].target;
    const auto norm = bank.measure(target);
    for (size_t j = 0; j < nearest.size() && int64_t(j) < k; ++j) {
      const auto at = size_t(i * k) + j;
      const auto [cosine, row] = nearest[j];
      ranking.rows[at] = int32_t(row);
      ranking.cosines[at] = cosine;
      ranking.to_target[at] = quotient(retrieval::dot(bank.at(row), bank.at(target), bank.dim), bank.measure(row), norm);
    }
  }

  Bank& bank;
  int64_t n, k;
  Tensor unit;  // queries, normalised; none with sums
  std::optional<SharedSums> sums;
  Products products;
  std::vector<Query> list;
};

void check(const Tensor& queries, const Bank& bank, const Tensor& target, const Tensor& first, const Tensor& excluded) {
  const auto refuse = [](const std::string& what) { throw Error("BAD_ARGUMENT", "retrieve: expected " + what); };
  const auto within = [&](const Tensor& rows) {
    return rows.numel() == 0 || (rows.min().item<int64_t>() >= 0 && rows.max().item<int64_t>() < bank.rows);
  };
  if (queries.dim() != 2 || queries.size(1) != bank.dim || !queries.is_cpu() || !queries.is_contiguous() ||
      queries.scalar_type() != torch::kFloat32)
    refuse("float32 queries as wide as the bank");
  const auto n = queries.size(0);
  if (target.size(0) != n || !within(target)) refuse("for each query the row of its target in the bank");
  if (first.size(0) != n + 1 || first[0].item<int64_t>() != 0 || first[n].item<int64_t>() != excluded.size(0) ||
      !first.diff().ge(0).all().item<bool>() || !within(excluded))
    refuse("for each query where its excluded rows begin and end, all of them rows of the bank");
  if (excluded.eq(target.repeat_interleave(first.diff())).any().item<bool>()) refuse("no target among its own excluded rows");
  if (!queries.isfinite().all().item<bool>())
    throw Error("DIVERGED", "retrieve: expected finite queries but one holds NaN or Inf");
}

}  // namespace

Retrieval retrieve(const Tensor& queries, Bank& bank, const Tensor& target, const Tensor& first, const Tensor& excluded,
                   int64_t k, const std::atomic<bool>& stop, const QuerySums* sums) {
  torch::InferenceMode inference;
  check(queries, bank, target, first, excluded);
  Search search(queries, bank, target, first, excluded, k, sums);
  for (int64_t i = 0; i < bank.blocks(); ++i) {
    if (stop) throw Error("INTERRUPTED", "the search was stopped");
    search.scan(bank.block(i));
  }
  require_unchanged(bank.table);
  return search.result();
}

}  // namespace lvm
