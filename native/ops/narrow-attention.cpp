// Multi-head softmax attention whose heads hold `inner` channels instead of `dim`; otherwise as attention.cpp.
//
// shapes  a, m [batch, time, dim] -> [batch, time, dim]; in_proj_weight [3 inner, dim], out_proj.weight [dim, inner]
// state   keys and values of all earlier positions
// init    in_proj_weight xavier, out_proj.weight U(±1/√inner), biases 0
// errors  BAD_SPEC when heads does not divide inner
// source  own

#include "attention.h"
#include "op-table.h"

namespace lvm {

Made make_narrow_attention(const Node& node, Builder& b) { return make_attention_of(node.integer("inner"), node, b); }

}  // namespace lvm
