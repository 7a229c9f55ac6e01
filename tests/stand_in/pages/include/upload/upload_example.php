<form method="post" enctype="multipart/form-data"><input type="file" name="upload"><input type="submit"></form>
