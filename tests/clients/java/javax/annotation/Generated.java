package javax.annotation;

/** Stands in for the annotation of this name, which marks generated code, where its jar can't be had. */
public @interface Generated {
    String[] value();
    String date() default "";
    String comments() default "";
}
