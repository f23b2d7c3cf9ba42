"""What a chart shows. Every rule looks at bars up to a moment and at nothing later."""
