-- Models: define, list, grant, deploy, embed.

-- ---- what exists ----

CREATE FUNCTION similarity.layers()
	RETURNS TABLE (layer text, parameter text, type text, "default" text, accepted text, description text)
	AS 'MODULE_PATHNAME', 'list_layers' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION similarity.layers() IS 'each layer and, one row each, its parameters; no default means required';
CREATE FUNCTION similarity.losses()
	RETURNS TABLE (loss text, parameter text, type text, "default" text, accepted text, description text)
	AS 'MODULE_PATHNAME', 'list_losses' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION similarity.losses() IS 'each loss and, one row each, its parameters; no default means required';
CREATE FUNCTION similarity.optimizers()
	RETURNS TABLE (optimizer text, parameter text, type text, "default" text, accepted text, description text)
	AS 'MODULE_PATHNAME', 'list_optimizers' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION similarity.optimizers() IS 'each optimizer and, one row each, its parameters; no default means required';
CREATE FUNCTION similarity.schedules()
	RETURNS TABLE (schedule text, parameter text, type text, "default" text, accepted text, description text)
	AS 'MODULE_PATHNAME', 'list_schedules' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION similarity.schedules() IS 'each schedule of the learning rate and, one row each, its parameters; no default means required';

CREATE FUNCTION similarity.methods()
	RETURNS TABLE (method text, parameter text, type text, "default" text, accepted text, description text)
	AS 'MODULE_PATHNAME', 'list_methods' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION similarity.methods() IS 'each method that learns without labels and, one row each, its parameters';

-- ---- define ----

CREATE FUNCTION similarity.create_model(model text, input integer[], layers jsonb, image jsonb DEFAULT NULL)
	RETURNS TABLE (layer text, type text, output integer[], parameters bigint, connected_to text[])
	AS 'MODULE_PATHNAME', 'create_model' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION similarity.create_model(text, integer[], jsonb, jsonb) IS
	'creates a model for inputs of a shape from layers, one JSON object each; the current role owns it, and needs CREATE on schema similarity; returns its summary. image: how JPEG and PNG files become its input: resize (stretch, crop_to_aspect_ratio, pad_to_aspect_ratio, center_crop), interpolation (bilinear, nearest), antialias, background';

CREATE FUNCTION similarity.image_info(image bytea, OUT format text, OUT width integer, OUT height integer, OUT channels integer,
	OUT bit_depth integer, OUT orientation integer)
	AS 'MODULE_PATHNAME', 'image_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION similarity.image_info(bytea) IS
	'what the header of a JPEG or PNG file says: sides as stored, channels (1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha or CMYK), bits of a channel, EXIF orientation (1 to 8; from 5 on width and height are seen the other way round)';

CREATE FUNCTION similarity.image_error(image bytea) RETURNS text
	AS 'MODULE_PATHNAME', 'image_error' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION similarity.image_error(bytea) IS
	'what keeps bytes from being decoded as a JPEG or PNG file, to its end; NULL if nothing does';

CREATE FUNCTION similarity.model_summary(model text)
	RETURNS TABLE (layer text, type text, output integer[], parameters bigint, connected_to text[])
	AS 'MODULE_PATHNAME', 'model_summary' LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION similarity.model_summary(text) IS
	'layers of a model with output shape, number of weights and the layers that each reads; the total, and what of it is trained';

CREATE FUNCTION similarity.drop_model(model text) RETURNS void
	AS 'MODULE_PATHNAME', 'drop_model' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.drop_model(text) IS 'drops a model with all of its versions; for its owner';

CREATE FUNCTION similarity.deploy(model text, version bigint) RETURNS void
	AS 'MODULE_PATHNAME', 'deploy' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.deploy(text, bigint) IS 'makes embed(model, input) run a version; for the model''s owner';

CREATE FUNCTION similarity.drop_version(model text, version bigint) RETURNS void
	AS 'MODULE_PATHNAME', 'drop_version' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.drop_version(text, bigint) IS
	'drops a version that is neither deployed nor held by a gallery; for the model''s owner';

CREATE FUNCTION similarity.copy_model(model text, name text, version bigint DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'copy_model' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.copy_model(text, text, bigint) IS
	'makes a model, which the current role owns, of the architecture and a version (the deployed one unless given) of a model that it may use; the copy''s version has an id of its own';

-- ---- exchange ----

CREATE FUNCTION similarity.export_model(model text, version bigint DEFAULT NULL) RETURNS bytea
	AS 'MODULE_PATHNAME', 'export_model' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.export_model(text, bigint) IS
	'a safetensors file of a version (the deployed one unless given): its tensors as F32, its architecture in the metadata; for roles that may use the model';

CREATE FUNCTION similarity.import_model(name text, file bytea, input integer[] DEFAULT NULL, layers jsonb DEFAULT NULL,
	layout text DEFAULT 'keras', image jsonb DEFAULT NULL) RETURNS integer
	AS 'MODULE_PATHNAME', 'import_model' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.import_model(text, bytea, integer[], jsonb, text, jsonb) IS
	'makes a model of a safetensors file and deploys its version, which is returned. input, layers, image: as in create_model, by default what export_model wrote into the file. layout: whose names of tensors and order of dimensions the file has: keras ("conv2d/kernel", units last), torch, torchvision or timm ("conv2d.weight", units first, images OIHW); similarity.architecture() has networks with the names of each. Layers behind the last one of the file, the head, start from fresh weights; tensors of the file that are not used are told. A file of keras or torch without any known name is taken in the order of its names (numbers as numbers, weight before bias)';

-- ---- privileges ----

CREATE FUNCTION similarity.grant_usage(model text, role text) RETURNS void
	AS 'MODULE_PATHNAME', 'grant_usage' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.grant_usage(text, text) IS 'lets a role ("public": everybody) see a model and embed with it; for its owner';

CREATE FUNCTION similarity.revoke_usage(model text, role text) RETURNS void
	AS 'MODULE_PATHNAME', 'revoke_usage' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.revoke_usage(text, text) IS 'takes back what grant_usage gave; for the model''s owner';

CREATE FUNCTION similarity.set_model_owner(model text, owner text) RETURNS void
	AS 'MODULE_PATHNAME', 'set_model_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION similarity.set_model_owner(text, text) IS 'gives a model to another role, of which the current role must be a member; for its owner';

-- ---- embed ----
-- By name the deployed version answers, which may change: STABLE.  A version
-- never changes: IMMUTABLE, for expression indexes.
--
-- One type of arrays only: every other array of numbers becomes double
-- precision[] by itself, where with two of them integer[] would be ambiguous.
-- A literal or parameter whose type nobody tells is taken for text.

CREATE FUNCTION embed(model text, input bytea) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_model_bytea' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(model text, input double precision[]) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_model_array' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(model text, input embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_model_embedding' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(model text, input text) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_model_text' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(version bigint, input bytea) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_version_bytea' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(version bigint, input double precision[]) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_version_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(version bigint, input embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_version_embedding' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed(version bigint, input text) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_version_text' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION embed(text, bytea) IS 'embedding of raw numbers, one unsigned byte each, or of a JPEG or PNG file, by the deployed version of a model';
COMMENT ON FUNCTION embed(text, double precision[]) IS 'embedding of an array of numbers by the deployed version of a model; one of several dimensions must have the shape of the model''s input';
COMMENT ON FUNCTION embed(text, embedding) IS 'embedding of an embedding by the deployed version of a model';
COMMENT ON FUNCTION embed(text, text) IS 'embedding of what is given as text: bytea \x..., an array {...} or an embedding [...], by the deployed version of a model';
COMMENT ON FUNCTION embed(bigint, bytea) IS 'embedding of raw numbers, one unsigned byte each, or of a JPEG or PNG file, by a model version';
COMMENT ON FUNCTION embed(bigint, double precision[]) IS 'embedding of an array of numbers by a model version; one of several dimensions must have the shape of the model''s input';
COMMENT ON FUNCTION embed(bigint, embedding) IS 'embedding of an embedding by a model version';
COMMENT ON FUNCTION embed(bigint, text) IS 'embedding of what is given as text: bytea \x..., an array {...} or an embedding [...], by a model version';

-- With one signature, for clients that leave the types of parameters to the server
CREATE FUNCTION embed_image(model text, image bytea) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_model_bytea' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION embed_image(text, bytea) IS 'embed(text, bytea) by a name of its own: embed_image(''fashion'', $1) needs no cast, whether the client sends types or not';

-- Window functions: they see the rows ahead.
CREATE FUNCTION embed_batch(model text, input bytea) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_batch_model_bytea' LANGUAGE C WINDOW STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed_batch(model text, input double precision[]) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_batch_model_array' LANGUAGE C WINDOW STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed_batch(model text, input embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_batch_model_embedding' LANGUAGE C WINDOW STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed_batch(version bigint, input bytea) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_batch_version_bytea' LANGUAGE C WINDOW IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed_batch(version bigint, input double precision[]) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_batch_version_array' LANGUAGE C WINDOW IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000;
CREATE FUNCTION embed_batch(version bigint, input embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embed_batch_version_embedding' LANGUAGE C WINDOW IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000;

COMMENT ON FUNCTION embed_batch(text, bytea) IS 'embed() for many rows, hundreds at once: embed_batch(...) OVER ()';
COMMENT ON FUNCTION embed_batch(text, double precision[]) IS 'embed() for many rows, hundreds at once: embed_batch(...) OVER ()';
COMMENT ON FUNCTION embed_batch(text, embedding) IS 'embed() for many rows, hundreds at once: embed_batch(...) OVER ()';
COMMENT ON FUNCTION embed_batch(bigint, bytea) IS 'embed() for many rows, hundreds at once: embed_batch(...) OVER ()';
COMMENT ON FUNCTION embed_batch(bigint, double precision[]) IS 'embed() for many rows, hundreds at once: embed_batch(...) OVER ()';
COMMENT ON FUNCTION embed_batch(bigint, embedding) IS 'embed() for many rows, hundreds at once: embed_batch(...) OVER ()';
