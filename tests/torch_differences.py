"""Where the library is known to differ from torch: for a pattern of a line by torch_databases.py, the reason."""

KNOWN = {
    # Left out on purpose, and refused.
    "unexpected keyword argument '(?!input')|positional arguments? but|takes no keyword arguments": "left out here",
    r"^refused .*expected (x |input )?\((N, C, H, W|T, N, \d|N, T, \d|N, \d)\)": "examples come in batches",
    r"^refused .*(expected at least one entry|sizes of at least 1|zero-size array to reduction)": "nothing to average",
    r"^refused .*softmax: input has shape \(\) and dim is 0": "a number has no dimension",
    r"^refused functional.cross_entropy .*expected \(N, K\)": "logits are rows",
    r"^refused functional.cross_entropy .*sum of target": "probabilities sum to 1",
    r"^refused functional.\w+_norm .*(eps is -0.5|momentum is -1)": "torch takes what gives NaN, or is not used",
    r"^refused \S+ropout .* p is 1.0": "dropping everything divides 0 by 0",
    r"^refused nn.LSTM float64, .*create_graph is True": "rnn.gates has second derivatives",
    r"^refused autograd.pow .*(the exponent (has shape|is)|for \*\* or pow)": "exponents are numbers",
    r"^refused autograd.max .*axis is Tensor": "torch.max of two is autograd.maximum",
    r"^refused autograd.where .*complex128": "numbers are real",
    r"^refused autograd.cat .*(same number of dimensions|axis 1 is out of bounds)": "torch takes any empty tensor",
    r"^refused optim.\w+ .*(line_search_fn is|learning rate lr is tensor)": "no line search, and lr is a number",
    # Different on purpose.
    r"^different nn.BatchNorm\dd .*eps must be positive: accepted": "eps may be 0 where no variance is",
    r"^different nn.LocalResponseNorm b?float16, .*accepted; torch: .*not implemented": "torch has no such kernel",
    r"^different autograd.max .*no output 1": "torch.max along a dimension also says where",
    r"^different autograd.where .*torch.float64 != torch.float32": "Python's numbers are float64",
    r"^different functional.elu float64, .*: second gradient 0": "at its corner, torch takes the line's second slope",
    r"^different nn.(RNN|GRU|LSTM) b?float16, .*: (gradient|output) .*not close": "roundings, no larger than torch's",
    r"^different optim.NAdam float64, .*[eE]xpected": "torch keeps mu_product in float32",
    r"^different optim.SGD b?float16, .*nesterov": "two parts of a step are two roundings",
    r"^different optim.RMSprop float16, .*weight_decay": "the rule rounds after each operation",
}
