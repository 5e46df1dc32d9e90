// Causal softmax attention; the input holds queries, keys and values side by side.
//
//   [q k v] = x, by heads      q, k = rotated by position      y = concat_heads(dropout(softmax(q kᵀ / √e + mask)) v)
//   rotary  none · pairs: channels (0,1), (2,3) … · halves: channels (j, turned/2 + j), of the first `turned` of each head
//
// shapes  [batch, time, 3 d] -> [batch, time, d]
// state   keys and values of all earlier positions
// errors  BAD_SPEC when heads does not divide d
// source  Vaswani et al. 2017, arXiv:1706.03762 eq. 1; Su et al. 2021, arXiv:2104.09864; parity: distilgpt2, hybrid, lcm

#include "../kernels/rotary.h"
#include "../kernels/softmax-attention.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Attend final : Layer {
  Attend(const Node& node, Builder& b)
      : heads(node.integer("heads")),
        turned(node.integer("turned")),
        kind(node.word("rotary", {"none", "pairs", "halves"})),
        rate(node.real("dropout")),
        slot(b.slot()),
        table(rotary_rates(std::max<int64_t>(turned, 2))) {}
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto width = x.size(2) / 3;
    if (x.size(2) % 3 != 0 || width % heads != 0) {
      throw Error("BAD_SPEC", "attend: expected an input of 3 × heads × channels but received " + std::to_string(x.size(2)) +
                                " channels for " + std::to_string(heads) + " heads");
    }
    const auto parts = x.unflatten(-1, {3, heads, width / heads}).permute({2, 0, 3, 1, 4});  // [3, batch, heads, time, e]
    const auto first = pass.state ? pass.state->position : 0;
    auto q = parts[0], k = parts[1], v = parts[2];
    if (pass.last_only) q = q.narrow(2, q.size(2) - 1, 1);
    if (kind != "none") {
      const auto turn = kind == "pairs" ? Turn::pairs : Turn::halves;
      const auto by = table.at(first, x.size(1), x.device());
      k = rotate(k, by, turn);
      const auto skip = x.size(1) - q.size(2);
      q = rotate(q, {by.sin.narrow(0, skip, q.size(2)), by.cos.narrow(0, skip, q.size(2))}, turn);
    }
    if (pass.state) {
      auto& kept = pass.state->slots.at(slot);
      if (!kept.empty()) k = torch::cat({kept[0], k}, 2), v = torch::cat({kept[1], v}, 2);
      kept = {k, v};
    }
    return softmax_attention(q, k, v, true, rate, pass).transpose(1, 2).flatten(2);
  }

  int64_t heads, turned;
  std::string kind;
  double rate;
  size_t slot;
  AngleTable table;
};

}  // namespace

Made make_attend(const Node& node, Builder& b) { return std::make_unique<Attend>(node, b); }

}  // namespace lvm
