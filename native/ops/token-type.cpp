// The learned vector of the first token type, added to every token: texts that are encoded alone have no other.
//
//   y = x + E[0]        init N(0, 1)
//
// shapes  [tokens, dim] -> the same; weight [types, dim]
// source  Devlin et al. 2018, arXiv:1810.04805; parity: BERT

#include "op-table.h"

namespace lvm {
namespace {

struct TokenType final : Layer {
  TokenType(const Node& node, Builder& b) {
    weight = b.parameter("weight", {node.integer("types"), node.integer("dim")}, normal(1));
  }
  Tensor forward(const Tensor& x, Pass&) override { return x + weight[0]; }
  Tensor weight;
};

}  // namespace

Made make_token_type(const Node& node, Builder& b) { return std::make_unique<TokenType>(node, b); }

}  // namespace lvm
