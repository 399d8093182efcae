-- One HTML page: what 2,000 test images show of the gallery.
SELECT similarity.report('wardrobe', 'SELECT image, label FROM items WHERE split = ''test'' ORDER BY id LIMIT 2000');
