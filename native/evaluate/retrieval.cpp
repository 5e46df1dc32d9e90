#include "retrieval.h"

#include "../data/mapped-file.h"
#include "../kernels/agreement.h"
#include "../parallel.h"
#include "nearest.h"
#include "retrieval-kernels.h"

#include <chrono>
#include <cmath>

namespace lvm {
namespace {

using retrieval::Row;

// Cosines closer than this tie: another order of summation changes a float64 sum by less.
constexpr double tie = 1e-14;
// A block of 2048² cosines fits the last-level cache and is small enough for the allocator to keep its pages.
constexpr int64_t query_block = 2048, bank_block = 2048, strip = 128;
constexpr int64_t bank_block_floats = 16 << 20;

// The bank in its stored dtype.
struct Bank {
  explicit Bank(const Tensor& table)
      : rows(table.size(0)),
        dim(table.size(1)),
        wide(table.scalar_type() == torch::kFloat32 ? table.const_data_ptr<float>() : nullptr),
        half(wide ? nullptr : reinterpret_cast<const uint16_t*>(table.const_data_ptr<at::Half>())) {}

  Row at(int64_t row) const { return {wide ? wide + row * dim : nullptr, half ? half + row * dim : nullptr}; }
  double norm(int64_t row) const { return std::sqrt(retrieval::dot(at(row), at(row), dim)); }

  int64_t rows, dim;
  const float* wide;
  const uint16_t* half;
};

// Cosine; 0 for a zero vector.
double quotient(double product, double a, double b) { return a > 0 && b > 0 ? product / (a * b) : 0; }

struct Query {
  const float* vector;
  double norm;
  int64_t target;
  double cosine;                  // cosine with its target
  std::vector<int64_t> excluded;  // sorted
  int64_t ahead = 0, tied = 0, excluded_ahead = 0, excluded_tied = 0;
  Nearest allowed, left_out;

  bool excludes(int64_t row) const { return std::binary_search(excluded.begin(), excluded.end(), row); }
  bool behind(double other) const { return other > cosine + tie; }
  bool level(double other) const { return !behind(other) && other >= cosine - tie; }
};

float below(double x) { return std::nextafter(float(x), -INFINITY); }
float above(double x) { return std::nextafter(float(x), INFINITY); }

// Error bound of the float32 product of two unit vectors rounded to float32, in any order of summation, with a margin.
// Source: Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1
double error_bound(int64_t dim) {
  const double nu = double(dim + 16) * 0x1p-24;
  return nu / (1 - nu) + 2 * tie;
}

// Products of one shape. The first few measure which library is faster; a library beyond the error bound is not used. Float64
// decides every open case, so the result does not depend on the library.
class Products {
 public:
  Tensor operator()(const Tensor& x, const Tensor& weight) {
    constexpr int trials = 6;
    const auto kind = !onednn ? 0 : done < trials ? done % 2 : int(best[1] < best[0]);
    const auto start = std::chrono::steady_clock::now();
    auto y = product_by(kind == 0 ? Multiplier::aten : Multiplier::onednn, x, weight).contiguous();
    if (done++ < trials) {
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      best[kind] = std::min(best[kind], seconds.count() / double(y.numel()));
    }
    return y;
  }

 private:
  const bool onednn = agrees(Multiplier::onednn);
  int done = 0;
  double best[2] = {INFINITY, INFINITY};  // seconds per element
};

struct Search {
  Search(const Tensor& queries, const Tensor& table, const Tensor& target, const Tensor& first, const Tensor& excluded, int64_t k)
      : bank(table), n(queries.size(0)), k(k), error(error_bound(bank.dim)), unit(torch::empty({n, bank.dim})), list(size_t(n)) {
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
        retrieval::scaled(self, q.norm > 0 ? 1 / q.norm : 0, out + i * bank.dim, bank.dim);
        q.target = targets[i];
        q.cosine = cosine(q, q.target, bank.norm(q.target));
        q.excluded.assign(rows + from[i], rows + from[i + 1]);
        std::sort(q.excluded.begin(), q.excluded.end());
      }
    });
  }

  double cosine(const Query& q, int64_t row, double norm) const {
    return quotient(retrieval::dot(q.vector, bank.at(row), bank.dim), q.norm, norm);
  }

  // Scans `count` rows of the bank from row `at` on.
  void scan(int64_t at, int64_t count) {
    auto block = torch::empty({count, bank.dim});
    std::vector<double> norms(static_cast<size_t>(count));
    float* out = block.mutable_data_ptr<float>();
    parallel(count, 64, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) {
        norms[size_t(j)] = bank.norm(at + j);
        retrieval::scaled(bank.at(at + j), norms[size_t(j)] > 0 ? 1 / norms[size_t(j)] : 0, out + j * bank.dim, bank.dim);
      }
    });
    const auto bad = std::find_if(norms.begin(), norms.end(), [](double norm) { return !std::isfinite(norm); });
    if (bad != norms.end())
      throw Error("DATA_NOT_FINITE",
                  "retrieve: row " + std::to_string(at + (bad - norms.begin())) + " of the bank holds NaN or Inf");
    for (int64_t from = 0; from < n; from += query_block) {
      const auto part = std::min(query_block, n - from);
      const auto cosines = products(unit.narrow(0, from, part), block);
      const float* table = cosines.const_data_ptr<float>();
      parallel(part, 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) look(list[size_t(from + i)], table + i * count, at, norms);
      });
    }
  }

  void look(Query& q, const float* cosines, int64_t at, const std::vector<double>& norms) const {
    const auto count = int64_t(norms.size());
    retrieval::Limits limits{below(q.cosine - error), above(q.cosine + error), below(q.allowed.least(k) - error)};
    for (int64_t j = 0; j < count; j += strip) {
      const auto end = std::min(j + strip, count);
      if (!retrieval::examine(cosines + j, end - j, limits, q.ahead)) continue;
      for (int64_t i = j; i < end; ++i) {
        const bool open = cosines[i] >= limits.low && cosines[i] <= limits.high;
        if (open || cosines[i] >= limits.near) look_closer(q, at + i, norms[size_t(i)], open);
      }
      limits.near = below(q.allowed.least(k) - error);
    }
    const auto [first, last] = std::pair(std::lower_bound(q.excluded.begin(), q.excluded.end(), at),
                                         std::lower_bound(q.excluded.begin(), q.excluded.end(), at + count));
    for (auto row = first; row != last; ++row) {
      const auto exact = cosine(q, *row, norms[size_t(*row - at)]);
      q.excluded_ahead += q.behind(exact);
      q.excluded_tied += q.level(exact);
      q.left_out.offer({exact, *row}, k);
    }
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
    const auto norm = bank.norm(target);
    for (size_t j = 0; j < nearest.size() && int64_t(j) < k; ++j) {
      const auto at = size_t(i * k) + j;
      const auto [cosine, row] = nearest[j];
      ranking.rows[at] = int32_t(row);
      ranking.cosines[at] = cosine;
      ranking.to_target[at] = quotient(retrieval::dot(bank.at(row), bank.at(target), bank.dim), bank.norm(row), norm);
    }
  }

  Bank bank;
  int64_t n, k;
  double error;
  Tensor unit;  // queries, normalised
  Products products;
  std::vector<Query> list;
};

void check(const Tensor& queries, const Tensor& bank, const Tensor& target, const Tensor& first, const Tensor& excluded) {
  const auto refuse = [](const std::string& what) { throw Error("BAD_ARGUMENT", "retrieve: expected " + what); };
  const auto within = [&](const Tensor& rows) {
    return rows.numel() == 0 || (rows.min().item<int64_t>() >= 0 && rows.max().item<int64_t>() < bank.size(0));
  };
  if (queries.dim() != 2 || bank.dim() != 2 || queries.size(1) != bank.size(1) || bank.size(1) < 1 || bank.size(0) > INT32_MAX ||
      !queries.is_cpu() || !bank.is_cpu() || !queries.is_contiguous() || !bank.is_contiguous() ||
      queries.scalar_type() != torch::kFloat32 ||
      (bank.scalar_type() != torch::kFloat32 && bank.scalar_type() != torch::kFloat16))
    refuse("float32 queries and a float16 or float32 bank of the same width");
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

Retrieval retrieve(const Tensor& queries, const Tensor& bank, const Tensor& target, const Tensor& first, const Tensor& excluded,
                   int64_t k, const std::atomic<bool>& stop) {
  torch::InferenceMode inference;
  check(queries, bank, target, first, excluded);
  Search search(queries, bank, target, first, excluded, k);
  const auto block = std::clamp<int64_t>(bank_block_floats / bank.size(1), 64, bank_block);
  for (int64_t at = 0; at < bank.size(0); at += block) {
    if (stop) throw Error("INTERRUPTED", "the search was stopped");
    require_unchanged(bank);
    search.scan(at, std::min(block, bank.size(0) - at));
  }
  require_unchanged(bank);
  return search.result();
}

}  // namespace lvm
