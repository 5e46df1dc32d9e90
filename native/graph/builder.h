#pragma once
#include "layer.h"

#include <functional>
#include <limits>
#include <optional>
#include <set>

namespace lvm {

struct Placement {
  torch::Dtype dtype = torch::kFloat32;
  torch::Device device = torch::kCPU;
};

// How the optimizer treats a parameter.
struct Traits {
  bool decay = true;                                        // weight decay applies
  double lr_cap = std::numeric_limits<double>::infinity();  // its learning rate never exceeds this
};

struct Parameter {
  std::string name;
  Tensor value;
  bool trainable;  // false: a buffer, saved and loaded but never trained
  Traits traits;
  Weight matrix = nullptr;  // set when inputs are multiplied with it
};

using Init = std::function<void(Tensor&, at::Generator)>;
Init uniform(double bound);
Init normal(double std);
Init constant(double value);
Init xavier(double gain);  // uniform, over a [out, in] matrix
Init orthogonal(double gain);

// The op of a name. Errors: BAD_SPEC
using FindOp = const Op& (*)(const std::string& name);

// Walks a spec, builds its layers, and owns the list of parameters that they share with the model.
class Builder {
 public:
  // Without a seed the parameters are left at zero, for weights that are loaded next.
  // Matrices that are named in `later` have no numbers until they are packed.
  Builder(FindOp find_op, Placement placement, std::optional<uint64_t> seed, std::set<std::string> later = {});

  Made build(const Node& node);
  std::vector<Made> build_all(const std::vector<Node>& nodes);
  Tensor parameter(const std::string& name, at::IntArrayRef shape, const Init& init, Traits traits = {});
  // A parameter that inputs are multiplied with, at multiply_split in two parts with `first` rows in the first.
  Weight matrix(const std::string& name, at::IntArrayRef shape, const Init& init, Layout layout = Layout::rows,
                int64_t first = 0);
  Tensor buffer(const std::string& name, const Tensor& value);
  Tensor buffer(const std::string& name, at::IntArrayRef shape, const Init& init);
  size_t slot() { return slots++; }  // a place in State::slots

  std::vector<Parameter> parameters;
  size_t slots = 0;

 private:
  Tensor drawn(at::IntArrayRef shape, const Init& init);
  std::string full(const std::string& name) const { return prefix.empty() ? name : prefix + "." + name; }
  Tensor add(const std::string& name, at::IntArrayRef shape, bool trainable, Traits traits, const std::function<Tensor()>& make);

  FindOp find_op;
  Placement placement;
  std::optional<at::Generator> generator;
  std::set<std::string> later;
  std::string prefix;
  bool tied = false;
};

}  // namespace lvm
