// One vector per text, from the vectors of its tokens.
//
//   mean: Σ x_t / n · mean_sqrt_len: Σ x_t / √n · weightedmean: Σ t x_t / Σ t, t from 1 at the text's start · max: by element
//   cls: the first token · lasttoken: the last one
//
// shapes  [tokens, d] -> [texts, d]
// errors  BAD_SPEC on an unknown kind
// source  Reimers & Gurevych 2019, arXiv:1908.10084; Muennighoff 2022, arXiv:2202.08904; parity: sentence-transformers

#include "op-table.h"

namespace lvm {
namespace {

struct Pool final : Layer {
  explicit Pool(const Node& node)
      : kind(node.word("kind", {"mean", "mean_sqrt_len", "weightedmean", "max", "cls", "lasttoken"})) {}

  Tensor forward(const Tensor& x, Pass& pass) override {
    if (!pass.texts) throw Error("BAD_SPEC", "pool: expected to be inside a textModel");
    std::vector<Tensor> rows;
    int64_t first = 0;
    for (const auto length : pass.texts->lengths) {
      const auto skip = std::min(pass.texts->skip, length - 1);
      rows.push_back(one(x.narrow(0, first + skip, length - skip), skip));
      first += length;
    }
    return torch::stack(rows);
  }

  Tensor one(const Tensor& x, int64_t skip) const {
    const auto n = double(x.size(0));
    if (kind == "cls") return x[0];
    if (kind == "lasttoken") return x[-1];
    if (kind == "max") return std::get<0>(x.max(0));
    if (kind == "mean_sqrt_len") return x.sum(0) / std::sqrt(n);
    if (kind == "weightedmean") return weighted_mean(x, skip);
    return x.sum(0) / n;
  }

  static Tensor weighted_mean(const Tensor& x, int64_t skip) {
    const auto weights = torch::arange(skip + 1, skip + x.size(0) + 1, x.options());
    return torch::mv(x.t(), weights) / weights.sum();
  }

  std::string kind;
};

}  // namespace

Made make_pool(const Node& node, Builder&) { return std::make_unique<Pool>(node); }

}  // namespace lvm
