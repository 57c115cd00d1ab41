package org.apache.http.entity.mime;

/** Stands in for the class of this name, which the generated code imports and doesn't use, where its jar can't be had. */
public class MultipartEntityBuilder {}
