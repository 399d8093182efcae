-- One HTML page: a test image of each class with its five neighbors.
SELECT similarity.neighbors_html('wardrobe',
  'SELECT DISTINCT ON (label) image, label FROM items WHERE split = ''test'' ORDER BY label, id', 5,
  'Fashion-MNIST: a test image of each class');
