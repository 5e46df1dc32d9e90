// Attention to a fixed number of slots instead of positions; the input holds queries, keys and values side by side.
//
//   [q k v] = x, by heads      k' = Eᵀ k      v' = Fᵀ v      y = concat_heads(dropout(softmax(q k'ᵀ / √e)) v')
//   E, F are the first `time` rows of proj_k, proj_v. Every position sees the whole context: only the last may be trained.
//
// Takes the cheaper order of products: q (Eᵀ k)ᵀ, or (q kᵀ) E if there are more slots than positions.
//
// shapes  [batch, time, 3 d] -> [batch, time, d]; proj_k, proj_v [rows, slots]
// state   none: it cannot run in a stepper
// init    U(±1/√slots)
// errors  BAD_SPEC when heads does not divide d; BAD_ARGUMENT when a context is longer than `rows`, or in a stepper
// source  Wang et al. 2020, arXiv:2006.04768 eq. 7; parity: linformer

#include "../kernels/seeded-dropout.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Linformer final : Layer {
  Linformer(const Node& node, Builder& b)
      : heads(node.integer("heads")), rows(node.integer("rows")), slots(node.integer("slots")), rate(node.real("dropout")) {
    const auto init = uniform(1 / std::sqrt(double(slots)));
    proj_k = b.parameter("proj_k", {rows, slots}, init);
    proj_v = b.parameter("proj_v", {rows, slots}, init);
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto time = x.size(1), width = x.size(2) / 3, e = width / heads;
    if (x.size(2) % 3 != 0 || width % heads != 0) {
      throw Error("BAD_SPEC", "linformer: expected an input of 3 × heads × channels but received " + std::to_string(x.size(2)) +
                                " channels for " + std::to_string(heads) + " heads");
    }
    if (pass.state)
      throw Error("BAD_ARGUMENT", "stepper: expected a causal model but here every position sees the whole context");
    if (time > rows) {
      const auto needed = std::to_string(time);
      throw Error("BAD_ARGUMENT", "predict: expected at most " + std::to_string(rows) + " positions but received " + needed +
                                    "; train one with \"positions\" " + needed);
    }
    const auto parts = x.unflatten(-1, {3, heads, e}).permute({2, 0, 3, 1, 4});  // [3, batch, heads, time, e]
    const auto k = parts[1], v = parts[2], from = proj_k.narrow(0, 0, time), into = proj_v.narrow(0, 0, time);
    const auto q = pass.last_only ? parts[0].narrow(2, time - 1, 1) : parts[0];
    const auto queries = q.size(2);
    const auto through_positions = queries * time * (e + slots) < slots * e * (time + queries);

    const auto scores = through_positions ? torch::matmul(torch::matmul(q, k.transpose(-1, -2)), from)
                                          : torch::matmul(q, torch::matmul(k.transpose(-1, -2), from));
    const auto weights = (scores * (1 / std::sqrt(double(e)))).softmax(-1, wide(scores));  // [batch, heads, queries, slots]
    const auto kept = dropout(weights, rate, pass).to(v.scalar_type());
    const auto y =
      through_positions ? torch::matmul(torch::matmul(kept, into.t()), v) : torch::matmul(kept, torch::matmul(into.t(), v));
    return y.transpose(1, 2).flatten(2);
  }

  static std::optional<torch::Dtype> wide(const Tensor& scores) {
    return scores.scalar_type() == torch::kBFloat16 ? std::optional(torch::kFloat32) : std::nullopt;
  }

  int64_t heads, rows, slots;
  double rate;
  Tensor proj_k, proj_v;
};

}  // namespace

Made make_linformer(const Node& node, Builder& b) { return std::make_unique<Linformer>(node, b); }

}  // namespace lvm
