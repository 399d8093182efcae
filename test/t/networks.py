#!/usr/bin/python3
"""Write torchvision's networks with random weights for t/076_networks.pl.

    networks.py FOLDER

Of each network, library and size of picture: a safetensors file whose tensors
have that library's names and layout, a picture, and the features that PyTorch
computes of it.  Prints a line for each; random numbers are seeded.
"""
import json
import re
import struct
import sys

import torch
import torchvision

FOLDER = sys.argv[1]
torch.manual_seed(5)


def save(path, tensors):
	"""A safetensors file, float32"""
	header, blobs, at = {}, [], 0
	for name, tensor in tensors.items():
		if tensor.dtype == torch.int64:
			dtype, blob = "I64", struct.pack("<q", int(tensor))
		else:
			dtype, blob = "F32", tensor.contiguous().numpy().astype("<f4").tobytes()
		header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
		blobs.append(blob)
		at += len(blob)
	text = json.dumps(header).encode()
	with open(path, "wb") as out:
		out.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def randomize(net):
	"""Norms that are not what they start as, and neither vanish nor explode"""
	for module in net.modules():
		if isinstance(module, torch.nn.BatchNorm2d):
			torch.nn.init.uniform_(module.weight, 0.8, 1.6)
			torch.nn.init.normal_(module.bias, 0, 0.2)
			module.running_mean.normal_(0, 0.2)
			module.running_var.uniform_(0.2, 1.5)
		if isinstance(module, torch.nn.LayerNorm):
			torch.nn.init.uniform_(module.weight, 0.6, 1.4)
			torch.nn.init.normal_(module.bias, 0, 0.2)
	for name, weights in net.named_parameters():
		if name.endswith("layer_scale"):
			torch.nn.init.uniform_(weights, 0.1, 0.5)
		if name.endswith(("class_token", "pos_embedding")):
			torch.nn.init.normal_(weights, 0, 0.3)
		if "self_attention" in name:
			torch.nn.init.normal_(weights, 0, 0.1)
	return net.eval()


def as_keras_pads(net):
	"""Keras pads as TensorFlow's "same" does, which differs where it strides"""
	def pad(module, args):
		sides = []
		for size, kernel, stride in zip(reversed(args[0].shape[2:]), reversed(module.kernel_size), reversed(module.stride)):
			need = max((-(-size // stride) - 1) * stride + kernel - size, 0)
			sides += [need // 2, need - need // 2]
		return (torch.nn.functional.pad(args[0], sides),)

	for module in net.modules():
		if isinstance(module, torch.nn.Conv2d) and module.stride[0] > 1:
			module.padding = (0, 0)
			module.register_forward_pre_hook(pad)
		if isinstance(module, torch.nn.BatchNorm2d):
			module.eps = 1e-3
	return net


def features(net, picture, scale):
	"""What the network has before its classifier, of a picture of bytes"""
	x = torch.tensor(list(picture.flatten())).float().reshape(1, *picture.shape).permute(0, 3, 1, 2)
	if scale == "imagenet":
		mean, deviation = (torch.tensor(v).reshape(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
		x = (x / 255 - mean) / deviation
	else:
		x = x / 127.5 - 1
	if isinstance(net, torchvision.models.VisionTransformer):
		net.heads = torch.nn.Identity()
		return net(x).flatten()
	for name, module in net.named_children():
		if name not in ("fc", "classifier"):
			x = module(x)
	if isinstance(net, torchvision.models.ConvNeXt):
		x = net.classifier[0](x)
	return x.flatten()


# ---- names: one for each convolution or norm, in the order in which they run ----


def layers_in_order(net):
	return [name for name, module in net.named_modules() if isinstance(module, (torch.nn.Conv2d, torch.nn.BatchNorm2d))]


def residual_names(blocks, first, last, plain, expanded):
	"""Of a network of inverted residuals; blocks tell (name, expands, squeezes)"""
	names = list(first)
	for name, expands, squeezes in blocks:
		parts = expanded if expands else plain
		names += [name + part for group, part in parts if squeezes or group != "squeeze"]
	return names + list(last)


MOBILENET = [(n > 0, n in (0, 3, 4, 5, 6, 7, 8, 9, 10)) for n in range(11)]
MOBILENET_STAGES = [0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]
EFFICIENTNET_BLOCKS = [1, 2, 2, 3, 3, 4, 1]
TIMM_PLAIN = [("", ".conv_dw"), ("", ".bn1"), ("squeeze", ".se.conv_reduce"), ("squeeze", ".se.conv_expand"), ("", ".conv_pw"), ("", ".bn2")]
TIMM_EXPANDED = [("", ".conv_pw"), ("", ".bn1"), ("", ".conv_dw"), ("", ".bn2"), ("squeeze", ".se.conv_reduce"),
	("squeeze", ".se.conv_expand"), ("", ".conv_pwl"), ("", ".bn3")]


TIMM_VIT = [(r"conv_proj", "patch_embed.proj"), (r"class_token", "cls_token"), (r"encoder\.pos_embedding", "pos_embed"),
	(r"encoder\.layers\.encoder_layer_", "blocks."), (r"encoder\.ln", "norm"), (r"ln_", "norm"), (r"self_attention\.in_proj_", "attn.qkv."),
	(r"self_attention\.out_proj", "attn.proj"), (r"mlp\.0", "mlp.fc1"), (r"mlp\.3", "mlp.fc2"), (r"heads\.head", "head")]
TIMM_CONVNEXT = [(r"features\.0", "stem"), (r"block\.0", "conv_dw"), (r"block\.2", "norm"), (r"block\.3", "mlp.fc1"), (r"block\.5", "mlp.fc2"),
	(r"layer_scale", "gamma"), (r"classifier\.0", "head.norm"), (r"classifier\.2", "head.fc")]
for stage in range(4):
	TIMM_CONVNEXT += [(rf"features\.{2 * stage + 1}\.", f"stages.{stage}.blocks."), (rf"features\.{2 * stage}\.", f"stages.{stage}.downsample.")]


def substituted(tensors, names):
	"""The state under names that patterns make of those of torchvision"""
	out = {}
	for name, tensor in tensors.items():
		for pattern, replacement in names:
			name = re.sub("^" + pattern if pattern.startswith("features") else pattern, replacement, name)
		out[name] = tensor.detach().flatten() if name.endswith("gamma") else tensor.detach()
	return out


def within_stages(stages):
	return [f"blocks.{s}.{stages[:n].count(s)}" for n, s in enumerate(stages)]


def timm_names(network):
	if network == "mobilenet_v3_small":
		blocks = [(name, *block) for name, block in zip(within_stages(MOBILENET_STAGES), MOBILENET)]
		return residual_names(blocks, ["conv_stem", "bn1"], ["blocks.5.0.conv", "blocks.5.0.bn1"], TIMM_PLAIN, TIMM_EXPANDED)
	stages = [s for s, n in enumerate(EFFICIENTNET_BLOCKS) for _ in range(n)]
	blocks = [(name, stage > 0, True) for name, stage in zip(within_stages(stages), stages)]
	return residual_names(blocks, ["conv_stem", "bn1"], ["conv_head", "bn2"], TIMM_PLAIN, TIMM_EXPANDED)


def keras_names(network):
	if network == "mobilenet_v3_small":
		plain = [("", "depthwise"), ("", "depthwise_bn"), ("squeeze", "squeeze_excite_conv"), ("squeeze", "squeeze_excite_conv_1"),
			("", "project"), ("", "project_bn")]
		blocks = [(f"expanded_conv_{n}_" if n else "expanded_conv_", *block) for n, block in enumerate(MOBILENET)]
		return residual_names(blocks, ["conv", "conv_bn"], ["conv_1", "conv_1_bn"], plain, [("", "expand"), ("", "expand_bn")] + plain)
	plain = [("", "dwconv"), ("", "bn"), ("squeeze", "se_reduce"), ("squeeze", "se_expand"), ("", "project_conv"), ("", "project_bn")]
	blocks = [(f"block{s + 1}{'abcd'[b]}_", s > 0, True) for s, n in enumerate(EFFICIENTNET_BLOCKS) for b in range(n)]
	return residual_names(blocks, ["stem_conv", "stem_bn"], ["top_conv", "top_bn"], plain,
		[("", "expand_conv"), ("", "expand_bn")] + plain)


def renamed(net, names):
	"""The state under other names of layers, heads as they are"""
	ours = dict(zip(layers_in_order(net), names))
	assert len(names) == len(ours), (len(names), len(ours))
	return {".".join((ours.get(name.rpartition(".")[0], name.rpartition(".")[0]), name.rpartition(".")[2])): tensor
		for name, tensor in net.state_dict().items()}


def as_keras(net, names, version):
	"""Keras' names of tensors, and its layout; those of version 2 end in :0"""
	tensors = {}
	for layer, name in zip(layers_in_order(net), names):
		module = net.get_submodule(layer)
		if isinstance(module, torch.nn.BatchNorm2d):
			found = {"gamma": module.weight, "beta": module.bias, "moving_mean": module.running_mean, "moving_variance": module.running_var}
		elif module.groups > 1:
			found = {"kernel" if version == 3 else "depthwise_kernel": module.weight.permute(2, 3, 0, 1)}
		else:
			found = {"kernel": module.weight.permute(2, 3, 1, 0), **({} if module.bias is None else {"bias": module.bias})}
		tensors.update({f"{name}/{part}" + ("" if version == 3 else ":0"): tensor.detach() for part, tensor in found.items()})
	tensors["predictions/kernel" + ("" if version == 3 else ":0")] = torch.zeros(4, 10)
	return tensors


def write(network, layout, net, tensors, scale, head, sizes=((64, 96), (75, 101))):
	for height, width in sizes:
		stem = f"{network}_{layout}_{height}x{width}"
		picture = torch.randint(0, 256, (height, width, 3)).to(torch.uint8)
		with open(f"{FOLDER}/{stem}.raw", "wb") as out:
			out.write(picture.numpy().tobytes())
		with torch.no_grad(), open(f"{FOLDER}/{stem}.txt", "w", encoding="ascii") as out:
			json.dump(features(net, picture, scale).tolist(), out)
		save(f"{FOLDER}/{stem}.safetensors", tensors)
		print(network, layout, f"{{{height},{width},3}}", head, f"{stem}.safetensors", f"{stem}.raw", f"{stem}.txt",
			sep="\t")


def build(network):
	return randomize(getattr(torchvision.models, network)(weights=None))


for network in ("resnet18", "resnet50"):
	net = build(network)
	for layout in ("torchvision", "timm"):
		write(network, layout, net, net.state_dict(), "imagenet", "2 tensors")
for network in ("mobilenet_v3_small", "efficientnet_b0"):
	mobile = network[0] == "m"
	head = "4 tensors" if mobile else "2 tensors"
	net = build(network)
	write(network, "torchvision", net, net.state_dict(), "imagenet", head)
	for module in net.modules():
		if isinstance(module, torch.nn.BatchNorm2d):
			module.eps = 1e-5
	write(network, "timm", net, renamed(net, timm_names(network)), "imagenet", head)
	as_keras_pads(net)
	write(network, "keras", net, as_keras(net, keras_names(network), 3 if mobile else 2), "127.5" if mobile else "imagenet", "1 tensor")
for layout, side in (("torchvision", 64), ("timm", 80)):
	net = randomize(torchvision.models.VisionTransformer(image_size=side, patch_size=16, num_layers=12, num_heads=6, hidden_dim=384, mlp_dim=1536))
	tensors = {name: tensor.detach() for name, tensor in net.state_dict().items()}
	if layout == "timm":
		tensors = substituted(tensors, TIMM_VIT)
	write("vit_s16", layout, net, tensors, "imagenet" if layout == "torchvision" else "127.5", "2 tensors", [(side, side)])
# what was trained on pictures of 80 x 80, for 112 x 112: positions are resized as timm does it
larger = torchvision.models.VisionTransformer(image_size=112, patch_size=16, num_layers=12, num_heads=6, hidden_dim=384, mlp_dim=1536).eval()
state = net.state_dict()
positions = state["encoder.pos_embedding"]
patches = positions[:, 1:].reshape(1, 5, 5, -1).permute(0, 3, 1, 2)
patches = torch.nn.functional.interpolate(patches, size=(7, 7), mode="bicubic", antialias=True)
state["encoder.pos_embedding"] = torch.cat((positions[:, :1], patches.permute(0, 2, 3, 1).flatten(1, 2)), 1)
larger.load_state_dict({name: tensor for name, tensor in state.items() if not name.startswith("heads")}, strict=False)
write("vit_s16", "timm", larger, tensors, "127.5", "2 tensors", [(112, 112)])
net = build("convnext_tiny")
write("convnext_tiny", "torchvision", net, net.state_dict(), "imagenet", "2 tensors")
write("convnext_tiny", "timm", net, substituted(net.state_dict(), TIMM_CONVNEXT), "imagenet", "2 tensors", [(75, 101)])
