#pragma once
#include "../data/readings.h"
#include "../graph/builder.h"

#include <shared_mutex>

namespace lvm {

// A model built from a spec: its layers, and its parameters by name.
class Model {
 public:
  Model(const Node& spec, Placement placement, std::optional<uint64_t> seed, std::set<std::string> later = {});

  // x [batch, time, dim] -> raw [batch, time or 1, dim], before normalisation.
  Tensor forward(const Tensor& x, Pass& pass);
  // Raw outputs of a reading's windows.
  // Shapes: x [contexts, time, dim] -> [outputs, dim]
  Tensor outputs(const Reading& reading, const Tensor& x, Pass& pass);
  // Shapes: x [batch, time, dim] of any floating dtype -> unit vectors [batch, dim], or [batch, time, dim] with `all`; `raw`
  // skips the normalisation
  Tensor predict(const Tensor& x, bool all, bool raw = false);
  // One position after the other.
  // Shapes: x [batch, dim] -> unit vectors [batch, dim]; `raw` skips the normalisation
  Tensor step(const Tensor& x, State& state, bool raw = false);
  State fresh_state() const;
  // Copies values into the parameters.
  // Errors: BAD_CHECKPOINT on a missing or unexpected name, or another shape
  void load(const std::map<std::string, Tensor>& values);
  // Sets the packed form of a matrix, in place of its value if it has one. Returns false, and changes nothing, if the kernel is
  // wrong on this machine.
  // Errors: BAD_CHECKPOINT, BAD_ARGUMENT
  bool pack(const std::string& name, const std::string& kernel, const Tensor& values, const Tensor& scales);
  // Replaces all loaded matrices by their packed form in bfloat16. Returns false, and changes nothing, if the kernel is wrong on
  // this machine.
  bool round_to_bf16();
  // Replaces these float32 matrices by their panels, for faster predictions with the same numbers. A matrix stays as it is where
  // the kernel is missing or wrong on this machine. Returns whether any changed.
  // Errors: BAD_CHECKPOINT for a name that is no matrix
  bool freeze(const std::set<std::string>& names);
  // Undoes freeze(), for code that reads or writes the values.
  void thaw();
  // Converts inputs to the model's dtype and device.
  // Errors: BAD_ARGUMENT on a wrong shape, DATA_NOT_FINITE
  Tensor checked(const Tensor& x) const;

  // Thawed, so that values are there.
  const std::vector<Parameter>& parameters() {
    thaw();
    return list;
  }
  int64_t bytes() const;

  const int64_t dim;
  const bool reads_texts;     // the root is a textModel, which takes token ids
  const bool unit;            // the loss reads the normalised output
  const bool causal;          // no position sees later ones
  const std::string host_op;  // an op that may read values on the host in a training pass; empty if there is none
  const Placement placement;

 private:
  Matrix& matrix_of(const std::string& name);

  std::vector<Parameter> list;
  std::vector<size_t> frozen;  // parameters in panels
  std::shared_mutex forms;     // a state may be asked for while another thread predicts
  int64_t packed_bytes = 0;
  size_t slots;
  Made root;
};

// raw / max(|raw|, 1e-12), over the last dimension.
Tensor normalised(const Tensor& raw);

}  // namespace lvm
