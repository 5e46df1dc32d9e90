#pragma once
#include "node.h"
#include "weight.h"

#include "../torch.h"

namespace lvm {

using torch::Tensor;

// State of recurrent layers and attention caches between calls; `position` counts the inputs so far.
struct State {
  std::vector<std::vector<Tensor>> slots;
  int64_t position = 0;
};

// Key of the random numbers of a pass. They are a pure function of it, so a resumed run draws the same numbers.
struct Random {
  uint64_t seed = 0, step = 0, calls = 0;
};

// Texts whose tokens stand one after the other in one batch, so that no arithmetic is spent on padding. Activations are then
// [tokens, d].
struct Texts {
  explicit Texts(std::vector<int64_t> lengths);
  std::vector<int64_t> lengths;
  int64_t longest = 0;
  Tensor positions;  // of every token in its text [tokens]
  int64_t skip = 0;  // tokens at the start of every text that pools leave out
};

// Bias of attention scores by the distance of key and query: table[head, zero + key - query].
struct Distances {
  Tensor table;
  int64_t zero = 0;
};

// The outputs that are needed: of a context, and of a position in it [outputs].
struct Places {
  Tensor context, position;
  // Shapes: [contexts, time, d] -> [outputs, 1, d]
  Tensor of(const Tensor& x) const { return x.flatten(0, 1).index_select(0, context * x.size(1) + position).unsqueeze(1); }
};

// Arguments and results of one forward pass beside the activations.
struct Pass {
  bool training = false;
  bool last_only = false;                         // only the last output position is needed
  bool recompute = false;                         // residual layers keep only their input; the backward pass runs them again
  bool redraw = false;                            // redraw random features before use
  Random random;                                  // for dropout and random features
  State* state = nullptr;                         // if set, x continues the sequence and the state is updated
  Tensor memory;                                  // input of cross-attention
  Tensor features;                                // output of the trunk, which the weights of memories depend on
  const Places* places = nullptr;                 // if set, the outputs that a predictor gives, instead of last_only
  const Texts* texts = nullptr;                   // if set, x holds the tokens of these texts
  Distances distances;                            // relative positions; without a table there are none
  std::map<std::string, Tensor>* seen = nullptr;  // if set, receives the outputs of named nodes
};

// One step of a model: [batch, time, d] -> [batch, time, d'], or [batch, 1, d'] when pass.last_only is set.
struct Layer {
  virtual ~Layer() = default;
  virtual Tensor forward(const Tensor& x, Pass& pass) = 0;
  // Whether an output position depends on other positions of the input.
  virtual bool mixes() const { return false; }

  Tensor operator()(const Tensor& x, Pass& pass) {
    auto y = forward(x, pass);
    if (pass.seen && !name.empty()) (*pass.seen)[name] = y;
    return y;
  }
  std::string name;  // full name of its node; empty if the node has none
};
using Made = std::unique_ptr<Layer>;

inline Tensor last_position(const Tensor& x) { return x.narrow(1, x.size(1) - 1, 1); }

class Builder;

// A row of ops/op-table.cpp: name, parameters, builder.
struct Op {
  const char* name;
  std::vector<std::pair<const char*, const char*>> params;
  Made (*make)(const Node&, Builder&);
};

}  // namespace lvm
